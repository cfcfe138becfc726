/** A reason in an error of OpenSSL: `error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/…`. */
const REASON = /error:[0-9A-F]+:[^:]*:[^:]*:([^:\n]+)/;

/** What OpenSSL says is wrong, without where in its code it found that. */
export function parseOpensslReason(message: string): string {
  return REASON.exec(message)?.[1] ?? message.trim();
}
