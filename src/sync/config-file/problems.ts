import type { ErrorObject } from 'ajv';
import { z } from 'zod';
import { type ContentProblem, describeWrongType } from '../../protocol/configuration/json-file.ts';
import { formatCount } from '../../shared/format.ts';
import { describeUnknownOption } from '../../shared/suggest.ts';

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

/**
 * Matches the errors of the alternatives of an `anyOf`. They are not reported, because the error of the `anyOf` says what is
 * possible.
 */
const IN_VARIANT = /\/anyOf\/\d/;

/**
 * Describes what is wrong with a file, in the words that are used for every configuration. The description does not contain
 * the value, unless it is a number or a boolean that the user wrote as a string, such as "5".
 */
export function describeProblems(errors: readonly ErrorObject[]): ContentProblem[] {
  return errors
    .filter(({ schemaPath }) => !IN_VARIANT.test(schemaPath))
    .map((error) => ({ place: error.instancePath.slice(1).replaceAll('/', '.'), problem: describe(error) }));
}

function describe({ keyword, params, parentSchema, data }: ErrorObject): string {
  const { errorMessage, properties } = schemaSchema.parse(parentSchema ?? {});
  const { additionalProperty, type, limit } = paramsSchema.parse(params);
  if (keyword === 'additionalProperties') {
    const options = Object.keys(properties).filter((option) => option !== '$schema');
    return describeUnknownOption(additionalProperty, options);
  }
  if (errorMessage !== undefined) return errorMessage;
  switch (keyword) {
    case 'type':
      return describeWrongType(type, data);
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
