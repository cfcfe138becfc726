import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import GithubSlugger from 'github-slugger';
import { marked, type Token, type Tokens } from 'marked';
import { ROOT } from '../packaging/kubernetes-manifest.ts';

/** What the comment above a block declares about it; a reader of the page does not see the comment. */
type Mark =
  | { kind: 'none' }
  /** It can't be run in the sandbox. */
  | { kind: 'not run'; why: string }
  /** The page asks the reader to save it under this name. */
  | { kind: 'file'; name: string }
  /** It is what the block before it prints; … stands for anything within a line. */
  | { kind: 'prints' }
  /** Events of the page's views, one per line. */
  | { kind: 'what Batch gets' }
  /** It ends with an exit code other than 0, as the page says. */
  | { kind: 'exits with'; code: number }
  /** It doesn't end by itself: it is stopped by Ctrl-C once it has printed this. */
  | { kind: 'run until it prints'; text: string };

/** A fenced block of a page. */
type Block = { language: string; text: string; mark: Mark; section: string };

export type Page = {
  /** From the root of the checkout. */
  path: string;
  /** Those of the second level. */
  headings: string[];
  /** The links to the headings of the second level, each with those to the headings of the third level below it. */
  outline: { link: string; below: string[] }[];
  /** The number of lines of its text. */
  lines: number;
  /** What may follow the # of a link to this page. */
  anchors: Set<string>;
  links: string[];
  blocks: Block[];
  tables: { head: string[]; rows: string[][] }[];
};

/**
 * The pages of a folder and of those below it, or of a single file; paths from the root of the checkout.
 *
 * @throws Error for a comment above a block that is not a mark: a misspelt mark would go unnoticed.
 */
export function pagesIn(...paths: string[]): Page[] {
  return paths.flatMap((path) => {
    if (path.endsWith('.md')) return [pageOf(path)];
    const files = readdirSync(join(ROOT, path), { recursive: true, encoding: 'utf8' });
    return files
      .filter((name) => name.endsWith('.md'))
      .sort()
      .map((name) => pageOf(join(path, name)));
  });
}

function pageOf(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const lines = text.split('\n').length;
  const page: Page = { path, headings: [], outline: [], lines, anchors: new Set(), links: [], blocks: [], tables: [] };
  const slugger = new GithubSlugger();
  let before: Token | undefined;
  marked.walkTokens(marked.lexer(text), (token) => {
    if (isHeading(token)) {
      const anchor = slugger.slug(token.text.replaceAll('`', ''));
      const link = `[${token.text}](#${anchor})`;
      page.anchors.add(anchor);
      if (token.depth === 2) page.headings.push(token.text);
      if (token.depth === 2) page.outline.push({ link, below: [] });
      if (token.depth === 3) page.outline.at(-1)?.below.push(link);
    } else if (isLink(token) || isImage(token)) {
      page.links.push(token.href);
    } else if (isHtml(token)) {
      // The pictures of a page, for light and dark.
      page.links.push(...[...token.text.matchAll(/ (?:src|srcset)="([^"]+)"/g)].map(([, target = '']) => target));
    } else if (isTable(token)) {
      const cells = (row: Tokens.TableCell[]): string[] => row.map(({ text }) => text);
      page.tables.push({ head: cells(token.header), rows: token.rows.map(cells) });
    } else if (isCode(token)) {
      const mark = before !== undefined && isHtml(before) ? markIn(before.text, path) : ({ kind: 'none' } as const);
      page.blocks.push({ language: token.lang ?? '', text: token.text, mark, section: page.headings.at(-1) ?? '' });
    }
    if (token.type !== 'space') before = token;
  });
  return page;
}

function markIn(html: string, path: string): Mark {
  const [, comment = ''] = /^<!--\s*(.*?)\s*-->\s*$/s.exec(html) ?? [];
  const [, kind = '', rest = ''] = /^([^:]*)(?::\s*(.+))?$/s.exec(comment) ?? [];
  if (kind === 'not run' && rest !== '') return { kind, why: rest };
  if (kind === 'file' && rest !== '') return { kind, name: rest };
  if (kind === 'exits with' && /^\d+$/.test(rest)) return { kind, code: Number(rest) };
  if (kind === 'run until it prints' && rest !== '') return { kind, text: rest };
  if ((kind === 'prints' || kind === 'what Batch gets') && rest === '') return { kind };
  throw new Error(`Above a block of ${path} stands ${html.trim()}, which is none of the marks of docs_pages.ts.`);
}

// marked's own type of a token is open to extensions, so that its "type" doesn't determine the other fields.

function isHeading(token: Token): token is Tokens.Heading {
  return token.type === 'heading';
}

function isLink(token: Token): token is Tokens.Link {
  return token.type === 'link';
}

function isImage(token: Token): token is Tokens.Image {
  return token.type === 'image';
}

function isTable(token: Token): token is Tokens.Table {
  return token.type === 'table';
}

function isCode(token: Token): token is Tokens.Code {
  return token.type === 'code';
}

function isHtml(token: Token): token is Tokens.HTML {
  return token.type === 'html';
}
