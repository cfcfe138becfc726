import parse from 'parse-prometheus-text-format';
import { z } from 'zod';

const familiesSchema = z.array(
  z.object({
    name: z.string(),
    type: z.string().toLowerCase(),
    help: z.string(),
    metrics: z.array(
      z.object({
        value: z.coerce.number().optional(),
        count: z.coerce.number().optional(),
        sum: z.coerce.number().optional(),
        buckets: z.record(z.string(), z.coerce.number()).optional(),
        labels: z.record(z.string(), z.string()).default({}),
      }),
    ),
  }),
);

export type ScrapedFamily = z.output<typeof familiesSchema>[number];

/** The metrics of a scrape or a metrics file, as a parser of Prometheus' text format reads them. */
export function parseMetrics(text: string): ScrapedFamily[] {
  return familiesSchema.parse(parse(text));
}

/** Each value by its name and labels: `requests_total{status="200"}`. The prefix of the names is left out. */
export function samplesOf(text: string): Record<string, number> {
  const samples = parseMetrics(text).flatMap(({ name, metrics }) =>
    metrics.flatMap(({ value, count, sum, buckets, labels }) => {
      const sample = (suffix: string, of: number | undefined, more: object = {}): [string, number][] =>
        of === undefined ? [] : [[`${name}${suffix}${labelsIn({ ...labels, ...more })}`, of]];
      return [
        ...sample('', value),
        ...Object.entries(buckets ?? {}).flatMap(([le, each]) => sample('_bucket', each, { le })),
        ...sample('_sum', sum),
        ...sample('_count', count),
      ];
    }),
  );
  return Object.fromEntries(samples.map(([name, value]) => [name.replace('clickhouse_to_batch_', ''), value]));
}

function labelsIn(labels: object): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
