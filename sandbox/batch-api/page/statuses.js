/** @type {Record<string, string>} */
const MEANINGS = {
  202: 'accepted',
  400: 'malformed',
  401: 'key refused',
  403: 'not allowed',
  404: 'wrong address',
  413: 'too large',
  422: 'refused',
  429: 'too many requests',
  500: 'server error',
  503: 'maintenance',
  504: 'gateway timeout',
  none: 'without an answer',
};

/** Says in few words what a status means; `none` is the lack of an answer. @param {string} status */
export function explainStatus(status) {
  return MEANINGS[status] ?? (Number(status) >= 500 ? 'server error' : 'refused');
}
