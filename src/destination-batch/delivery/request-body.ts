import type { Update, WaitingEvent } from './batcher.ts';

/** The JSON of a request: an array of updates, with the events of each as they were written. */
export function buildRequestBody(updates: Update<WaitingEvent>[]): string {
  let body = '[';
  for (const { customIdJson, events } of updates) {
    body += `${body.length > 1 ? ',' : ''}{"identifiers":{"custom_id":${customIdJson}},"events":[`;
    for (let index = 0; index < events.length; index += 1) {
      if (index > 0) body += ',';
      body += events[index]?.json ?? '';
    }
    body += ']}';
  }
  return `${body}]`;
}
