import type { ConfiguredStream } from '../../protocol/catalog.ts';
import type { StreamDescriptor } from '../../protocol/messages.ts';

/**
 * Returns the stream in the form that messages use. Platforms match messages to the streams of the catalog, so a namespace is only
 * set if the catalog has one.
 */
export function createStreamDescriptor({ stream: { name, namespace } }: ConfiguredStream): StreamDescriptor {
  return namespace == null ? { name } : { name, namespace };
}
