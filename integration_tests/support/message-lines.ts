type Row = Record<string, unknown>;

/** A RECORD message, without a line feed. `data` is an object, or its JSON as a string if each digit matters. */
export function recordLine(data: Row | string, stream = 'events'): string {
  const json = typeof data === 'string' ? data : JSON.stringify(data);
  return `{"type":"RECORD","record":{"stream":${JSON.stringify(stream)},"emitted_at":1760000000000,"data":${json}}}`;
}

/** A STATE message of a stream, without a line feed. */
export function stateLine(cursor: unknown, stream = 'events', more: Row = {}): string {
  return JSON.stringify({
    type: 'STATE',
    state: { type: 'STREAM', stream: { stream_descriptor: { name: stream }, stream_state: { cursor } }, ...more },
  });
}
