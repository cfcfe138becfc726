import { buildSpecification } from '../../protocol/spec.ts';
import { sourceConfigurationSchema } from './schema.ts';

/** The output of `spec` for the source. */
export const sourceSpecification = buildSpecification(sourceConfigurationSchema, {
  documentationUrl: 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/source-clickhouse.md',
  supportsIncremental: true,
});
