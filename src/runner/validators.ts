import { Ajv } from 'ajv';
import destinationSpecification from '../../spec/destination-batch.json' with { type: 'json' };
import sourceSpecification from '../../spec/source-clickhouse.json' with { type: 'json' };

// In the bundle, build/compiled-validators.js replaces this module with functions that Ajv has compiled from these files.

/**
 * `strict` would refuse the hints for forms, such as `order`. Formats are not validated here, because the connectors check URLs
 * themselves, with Node's parser.
 */
const ajv = new Ajv({ strict: false, validateFormats: false });

/** Checks a configuration of the source against the specification that the source prints. */
export const validateSource = ajv.compile(sourceSpecification.connectionSpecification);

/** Checks a configuration of the destination against the specification that the destination prints. */
export const validateDestination = ajv.compile(destinationSpecification.connectionSpecification);
