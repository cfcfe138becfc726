import { z } from 'zod';
import { NAME_FORM } from '../batch/limits.ts';

/**
 * An object of options that rejects an unknown name. Platforms add keys of their own next to the options of a connector,
 * but never inside such an object: there, an unknown name is a typo that would go unnoticed.
 */
export function strictOptions<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.map((key) => `"${key}"`).join(', ')}: no such option. There are ${Object.keys(shape).join(', ')}`
        : undefined,
  });
}

/** The key that distinguishes the variants of a choice. */
export function literalOption<Name extends string>(name: Name, title: string): z.ZodLiteral<Name> {
  return z.literal(name).meta({ title, order: 0 });
}

/** A name of an event or an attribute. */
export function nameOption(form: RegExp): z.ZodString {
  return z.string().regex(form, `must be a name that Batch accepts: ${NAME_FORM}`);
}
