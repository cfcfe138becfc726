import { parser } from '@prometheus-io/lezer-promql';

/** The metrics and the labels that a query names, each once and sorted. */
export type QueryNames = { metrics: string[]; labels: string[] };

/**
 * Parses a query of Prometheus. Grafana's variables for a duration may be in it.
 *
 * @throws Error if it is not valid PromQL.
 */
export function namesInQuery(query: string): QueryNames {
  const text = query.replaceAll(/\[\$__(rate_interval|range)\]/g, '[5m]');
  const metrics = new Set<string>();
  const labels = new Set<string>();
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`Not valid at ${text.slice(from)}: ${query}`);
      if (type.name === 'Identifier') metrics.add(text.slice(from, to));
      if (type.name === 'LabelName') labels.add(text.slice(from, to));
    },
  });
  return { metrics: [...metrics].sort(), labels: [...labels].sort() };
}
