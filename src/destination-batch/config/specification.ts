import { buildSpecification } from '../../protocol/spec.ts';
import { destinationConfigurationSchema } from './schema.ts';

/** What `spec` prints for the destination. Events can only be added: Batch can neither change nor delete them. */
export const destinationSpecification = buildSpecification(destinationConfigurationSchema, {
  documentationUrl: 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/destination-batch.md',
  supportsIncremental: true,
  supported_destination_sync_modes: ['append'],
});
