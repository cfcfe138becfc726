import { buildSpecification } from '../../protocol/spec.ts';
import { destinationConfigurationSchema } from './schema.ts';

/**
 * The output of `spec` for the destination. Events can only be appended, because Batch can't change or delete them. Attributes of
 * profiles are upserted, which the protocol calls `append_dedup`.
 */
export const destinationSpecification = buildSpecification(destinationConfigurationSchema, {
  documentationUrl: 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/destination-batch.md',
  supportsIncremental: true,
  supported_destination_sync_modes: ['append', 'append_dedup'],
});
