import { buildSpecification } from '../../protocol/spec.ts';
import { destinationConfigurationSchema } from './schema.ts';

/**
 * The output of `spec` for the destination. The destination can only append, because Batch can't change or delete
 * events.
 */
export const destinationSpecification = buildSpecification(destinationConfigurationSchema, {
  documentationUrl: 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/destination-batch.md',
  supportsIncremental: true,
  supported_destination_sync_modes: ['append'],
});
