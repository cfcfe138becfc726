import { z } from 'zod';
import { describeUnknownOption } from '../../shared/suggest.ts';
import { NAME_FORM } from '../batch/limits.ts';

/**
 * Creates the schema of a group of options, which rejects unknown names. Platforms add their own keys to a
 * configuration, but only at its top level. Inside a group, an unknown name is a typo that would otherwise go unnoticed.
 */
export function strictOptions<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => describeUnknownOption(key, Object.keys(shape))).join(' and ')
        : undefined,
  });
}

/**
 * Creates an option with a constant value. Such an option, for example `mode`, distinguishes the variants of a choice.
 */
export function literalOption<Name extends string>(name: Name, title: string): z.ZodLiteral<Name> {
  return z.literal(name).meta({ title, order: 0 });
}

/** Creates an option whose value is the name of an event or attribute. */
export function nameOption(form: RegExp): z.ZodString {
  return z
    .string()
    .regex(form, `must be a name that Batch accepts: ${NAME_FORM}`)
    .meta({ pattern_descriptor: NAME_FORM });
}
