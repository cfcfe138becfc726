import { Ajv } from 'ajv';
import destinationSpecification from '../../spec/destination-batch.json' with { type: 'json' };
import sourceSpecification from '../../spec/source-clickhouse.json' with { type: 'json' };

// The bundle contains the functions that Ajv compiles from these files, instead of this module: build/compiled-validators.js.

/** `strict` would refuse the hints for forms, such as `order`. The connectors check a URL themselves, as Node parses it. */
const ajv = new Ajv({ strict: false, validateFormats: false });

/** Checks a configuration of the source against the specification that the source prints. */
export const validateSource = ajv.compile(sourceSpecification.connectionSpecification);

/** Checks a configuration of the destination against the specification that the destination prints. */
export const validateDestination = ajv.compile(destinationSpecification.connectionSpecification);
