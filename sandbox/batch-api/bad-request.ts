import { z } from 'zod';

/** The user of the sandbox asked for something that makes no sense; the message says what, in words for a person. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * Reads input of the sandbox's user by a schema.
 *
 * @throws {BadRequest} naming each misfit.
 */
export function readBy<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (!result.success) throw new BadRequest(z.prettifyError(result.error));
  return result.data;
}
