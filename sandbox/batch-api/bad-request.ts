import { z } from 'zod';

/** The sandbox's user sent an invalid request; the message explains what is wrong. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * Parses input of the sandbox's user with a schema.
 *
 * @throws {BadRequest} naming each invalid field.
 */
export function readBy<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (!result.success) throw new BadRequest(z.prettifyError(result.error));
  return result.data;
}
