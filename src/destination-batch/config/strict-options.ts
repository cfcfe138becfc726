import { z } from 'zod';

/**
 * An object of options in which a name that does not exist is told of. Platforms put keys of their own beside the options
 * of a connector, never among those that belong together: there, an unknown one is a slip that would go unnoticed.
 */
export function strictOptions<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `${issue.keys.map((key) => `"${key}"`).join(', ')}: no such option. There are ${Object.keys(shape).join(', ')}`
        : undefined,
  });
}
