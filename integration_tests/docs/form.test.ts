import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DEFAULT_LIMITS } from '../../src/destination-batch/batch/limits.ts';
import { ROOT } from '../packaging/kubernetes-manifest.ts';
import { longPages, withContents } from './contents.ts';
import { pagesIn } from './pages.ts';

/** The headings that Airbyte's checks require on the page of a connector, in their order. */
const HEADINGS = [
  'Prerequisites',
  'Setup guide',
  'Supported sync modes',
  'Supported streams',
  'Performance considerations',
  'Data type map',
  'Limitations & Troubleshooting',
  'Changelog',
];

/** The beginning of the URLs of this project that the connectors print. */
const HOME = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/';

const PAGES = pagesIn(
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'docs',
  'deploy',
  'examples',
  'bench',
  'integration_tests/chaos',
);

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));

type Option = { name: string; default: unknown };

type Schema = z.output<typeof schemaSchema>;
const schemaSchema = z.looseObject({
  default: z.unknown().optional(),
  get properties() {
    return z.record(z.string(), schemaSchema).optional();
  },
  get oneOf() {
    return z.array(schemaSchema).optional();
  },
});

/** The options of a specification, including those in objects and choices. */
function optionsIn({ properties = {}, oneOf = [] }: Schema): Option[] {
  return [
    ...Object.entries(properties).flatMap(([name, below]) => [{ name, default: below.default }, ...optionsIn(below)]),
    ...oneOf.flatMap(optionsIn),
  ];
}

/** Whether a cell contains a default, by itself or before a colon. The options of an object contain their own. */
function says(cell: string, value: unknown): boolean {
  if (value === undefined || JSON.stringify(value) === '{}') return true;
  const written = value === '' ? 'empty' : typeof value === 'string' ? value : JSON.stringify(value);
  const said = cell.replaceAll(/[`\s]/g, '');
  return said === written || said.startsWith(`${written}:`);
}

describe.each(['source-clickhouse', 'destination-batch'])('the page of %s', (connector) => {
  const [page] = pagesIn(`docs/${connector}.md`);
  const tables = page?.tables ?? [];
  const { connectionSpecification } = z
    .object({ connectionSpecification: schemaSchema })
    .parse(JSON.parse(readFileSync(join(ROOT, `spec/${connector}.json`), 'utf8')));

  test('has the headings of Airbyte, in its order', () => {
    expect(page?.headings).toEqual(HEADINGS);
  });

  test('has a line for this version in its changelog', () => {
    const changelog = tables.find(({ head }) => head[0] === 'version');
    expect(changelog?.rows.map(([first]) => first)).toContain(version);
  });

  test('names each option of the specification, with its default', () => {
    const rows = tables.filter(({ head }) => head[0]?.startsWith('option')).flatMap(({ rows }) => rows);
    const isSaid = (option: Option): boolean =>
      rows.some(
        ([name = '', byDefault = '']) => name.startsWith(`\`${option.name}\``) && says(byDefault, option.default),
      );
    expect(optionsIn(connectionSpecification).filter((option) => !isSaid(option))).toEqual([]);
  });
});

test('the page of destination-batch names each limit with its default, which forms do not store', () => {
  const [page] = pagesIn('docs/destination-batch.md');
  const rows = page?.tables.find(({ head }) => head[0] === 'option in `limits`')?.rows ?? [];
  const defaults = rows.map(([name = '', byDefault = '']) => [
    name.replaceAll('`', ''),
    Number(byDefault.replaceAll(',', '')),
  ]);
  expect(Object.fromEntries(defaults)).toEqual(DEFAULT_LIMITS);
});

test.each(longPages().map((page) => ({ name: page.path, page })))('$name has a table of contents', ({ page }) => {
  const text = readFileSync(join(ROOT, page.path), 'utf8');
  expect(text, 'To update them: npm run docs:contents').toBe(withContents(page));
});

test('docs/README.md lists every page', () => {
  const listed = pagesIn('docs/README.md').flatMap(({ links }) => links.map((link) => `docs/${link}`));
  const pages = PAGES.map(({ path }) => path).filter((path) =>
    /^docs\/([^/]+|troubleshooting\/README)\.md$/.test(path),
  );
  expect(listed).toEqual(expect.arrayContaining(pages.filter((path) => path !== 'docs/README.md')));
});

test('the drawings for light and dark differ only in their colours', () => {
  const [light, dark] = ['light', 'dark'].map((name) =>
    readFileSync(join(ROOT, `docs/images/architecture-${name}.svg`), 'utf8').replaceAll(/#[\da-f]{6}\b/g, ''),
  );
  expect(dark).toBe(light);
});

test('every link leads to a file, and every anchor to a heading', () => {
  const anchors = new Map(PAGES.map(({ path, anchors }) => [path, anchors]));
  const dead = PAGES.flatMap(({ path, links }) =>
    links
      .filter((link) => {
        if (URL.canParse(link)) return false;
        const [file = '', anchor] = link.split('#');
        const target = file === '' ? path : normalize(join(dirname(path), file));
        if (!existsSync(join(ROOT, target))) return true;
        return anchor !== undefined && !anchors.get(target)?.has(anchor);
      })
      .map((link) => `${path}: ${link}`),
  );
  expect(dead).toEqual([]);
});

test('every page that the connectors link to exists', () => {
  const named = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .flatMap((name) =>
      readFileSync(join(ROOT, 'src', name), 'utf8')
        .split(HOME)
        .slice(1),
    )
    .map((rest) => /^[\w./-]+/.exec(rest)?.[0] ?? '');
  expect(named).toContain('docs/source-clickhouse.md');
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
