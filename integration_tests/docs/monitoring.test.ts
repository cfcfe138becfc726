import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { METRIC_PREFIX, METRICS } from '../../src/sync/metrics/definitions.ts';
import { ROOT } from '../packaging/kubernetes-manifest.ts';
import { pagesIn } from './pages.ts';
import { namesInQuery } from './promql.ts';

/** Labels that are added to every metric: by Prometheus, and by sync in a metrics file. */
const LABELS_OF_ALL = ['instance', 'job', 'sync'];

type Metric = { name: string; type: string; labels: string[] };

/** The metrics that sync exports; src/sync/metrics/run-metrics.test.ts checks that it exports exactly these. */
const EXPORTED: Metric[] = Object.entries(METRICS).map(([name, { type, labels }]) => ({
  name: METRIC_PREFIX + name,
  type,
  // Prometheus' own label of the buckets of a histogram.
  labels: type === 'histogram' ? ['le'] : [...labels],
}));

/** The labels of each series, by its name in queries: a histogram has three. */
const SERIES = new Map(
  EXPORTED.flatMap(({ name, type, labels }): [string, string[]][] =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, labels],
          [`${name}_sum`, []],
          [`${name}_count`, []],
        ]
      : [[name, labels]],
  ),
);

/** Names in a query that do not exist. Prometheus itself would return nothing, and report no error. */
function unknownIn(query: string, moreLabels: readonly string[] = []): string[] {
  const { metrics, labels } = namesInQuery(query);
  const known = [...LABELS_OF_ALL, ...metrics.flatMap((name) => SERIES.get(name) ?? [])];
  return [
    ...metrics.filter((name) => name !== 'up' && !SERIES.has(name)),
    ...[...labels, ...moreLabels].filter((label) => !known.includes(label)),
  ];
}

const [page] = pagesIn('docs/monitoring.md');

test('finds the metrics and labels in a query that do not exist', () => {
  expect(unknownIn('sum by (reason) (rate(clickhouse_to_batch_rows_read_total[5m]))')).toEqual(['reason']);
  expect(unknownIn('clickhouse_to_batch_rows_total{reason="x"}')).toEqual(['clickhouse_to_batch_rows_total', 'reason']);
  expect(() => unknownIn('sum(rate(clickhouse_to_batch_rows_read_total[5m])')).toThrow(/Not valid/);
});

describe('docs/monitoring.md', () => {
  test('documents every metric with its type and its labels, and nothing else', () => {
    const table = page?.tables.find(({ head }) => head[0] === 'metric');
    const documented = (table?.rows ?? []).map(([name = '', type = '', labels = '']) => ({
      name: name.replaceAll('`', ''),
      type,
      labels: labels === '' ? [] : labels.replaceAll('`', '').split(', '),
    }));
    const byName = (a: Metric, b: Metric): number => a.name.localeCompare(b.name);
    expect(documented.toSorted(byName)).toEqual(EXPORTED.toSorted(byName));
  });

  test('has alert rules that name only existing metrics and labels', () => {
    const rules = z
      .object({
        groups: z.array(
          z.strictObject({
            name: z.string(),
            rules: z.array(
              z.strictObject({
                alert: z.string(),
                expr: z.string(),
                for: z.string().optional(),
                annotations: z.strictObject({ summary: z.string() }),
              }),
            ),
          }),
        ),
      })
      .parse(parse(page?.blocks.find(({ text }) => text.startsWith('groups:'))?.text ?? ''))
      .groups.flatMap(({ rules }) => rules);
    expect(rules.length).toBeGreaterThan(3);
    for (const { expr, annotations } of rules) {
      const shown = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label = '']) => label);
      expect(unknownIn(expr, shown)).toEqual([]);
    }
  });
});

describe('the dashboard', () => {
  const { panels, templating } = z
    .object({
      panels: z.array(
        z.object({
          title: z.string(),
          gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
          targets: z.array(z.object({ expr: z.string(), legendFormat: z.string() })),
        }),
      ),
      templating: z.object({
        list: z.array(z.object({ name: z.string(), query: z.union([z.string(), z.object({ query: z.string() })]) })),
      }),
    })
    .parse(JSON.parse(readFileSync(join(ROOT, 'deploy/grafana/clickhouse-to-batch.json'), 'utf8')));
  const targets = panels.flatMap(({ targets }) => targets);

  test.each(panels)('panel "$title" names only existing metrics, labels and variables', ({ targets }) => {
    expect(targets.length).toBeGreaterThan(0);
    const variables = templating.list.map(({ name }) => `$${name}`);
    for (const { expr, legendFormat } of targets) {
      const shown = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      expect(unknownIn(expr, shown)).toEqual([]);
      expect(expr.match(/\$(?!__)\w+/g)?.filter((each) => !variables.includes(each))).toEqual([]);
    }
  });

  test('has variables that name only existing metrics and labels', () => {
    const queries = templating.list.flatMap(({ query }) => (typeof query === 'string' ? [] : [query.query]));
    expect(queries.length).toBe(2);
    for (const query of queries) {
      const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
      expect(unknownIn(selector, [label])).toEqual([]);
    }
  });

  test('shows every metric, except for the lag that a metrics file lacks', () => {
    const shown = new Set(targets.flatMap(({ expr }) => namesInQuery(expr).metrics));
    const hidden = EXPORTED.filter(({ name }) => ![...shown].some((each) => each.startsWith(name)));
    expect(hidden.map(({ name }) => name.replace(METRIC_PREFIX, ''))).toEqual(['build_info', 'cursor_lag_seconds']);
  });
});
