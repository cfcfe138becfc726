import type { ErrorObject } from 'ajv';
import { z } from 'zod';
import { formatCount } from '../../shared/format.ts';
import { suggestName } from '../../shared/suggest.ts';

/** The parts of a schema that explain why it refuses a value. */
const schemaSchema = z.looseObject({
  errorMessage: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
});

/** The details of an error, which depend on its keyword. */
const paramsSchema = z.looseObject({
  additionalProperty: z.string().default(''),
  type: z.string().default(''),
  limit: z.number().default(0),
});

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

/** Matches the errors of the variants of a choice. The error of the choice itself says what is possible. */
const IN_VARIANT = /\/anyOf\/\d/;

/** Describes what is wrong with a file, in the words that are used for every configuration. It quotes no values. */
export function describeProblems(errors: readonly ErrorObject[]): string {
  return errors
    .filter(({ schemaPath }) => !IN_VARIANT.test(schemaPath))
    .map((error) => {
      const place = error.instancePath.slice(1).replaceAll('/', '.');
      return `${place === '' ? 'the whole file' : place}: ${describe(error)}`;
    })
    .join('; ');
}

function describe({ keyword, params, parentSchema }: ErrorObject): string {
  const { errorMessage, properties } = schemaSchema.parse(parentSchema ?? {});
  const { additionalProperty, type, limit } = paramsSchema.parse(params);
  if (keyword === 'additionalProperties') return describeUnknown(additionalProperty, Object.keys(properties));
  if (errorMessage !== undefined) return errorMessage;
  switch (keyword) {
    case 'type':
      return `must be ${TYPES[type] ?? type}`;
    case 'minLength':
      return `must have at least ${formatCount(limit, 'character')}`;
    case 'minimum':
      return `must be at least ${limit}`;
    case 'maximum':
      return `must be at most ${limit}`;
    default:
      return 'is not valid';
  }
}

function describeUnknown(name: string, options: readonly string[]): string {
  const known = options.filter((option) => option !== '$schema');
  const near = suggestName(name, known);
  return `has no option "${name}" (${near === undefined ? `the options are ${known.join(', ')}` : `did you mean "${near}"?`})`;
}
