const counts = new Intl.NumberFormat('en');
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** @param {number} count */
export function formatCount(count) {
  return counts.format(count);
}

/**
 * @param {number} count
 * @param {string} thing in the singular
 */
export function formatCountOf(count, thing) {
  return `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`;
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${tenths.format(bytes / 1_000)} kB` : `${tenths.format(bytes / 1_000_000)} MB`;
}

/**
 * Formats an RFC 3339 time in UTC to the second, with its date.
 *
 * @param {string} stamp
 */
export function formatTime(stamp) {
  return `${stamp.slice(0, 10)} ${stamp.slice(11, 19)}`;
}

/** Formats a duration in the largest unit that fits. @param {number} milliseconds */
export function formatDuration(milliseconds) {
  const seconds = Math.abs(milliseconds) / 1000;
  if (seconds < 60) return `${tenths.format(seconds)} s`;
  if (seconds < 3600) return `${tenths.format(seconds / 60)} min`;
  return `${tenths.format(seconds / 3600)} h`;
}

/**
 * Writes an id in quotes if its spaces could not be seen otherwise.
 *
 * @param {string | null} id
 */
export function formatId(id) {
  if (id === null) return 'no custom_id';
  return id.trim() !== id || /\s\s|[^\S ]/.test(id) ? JSON.stringify(id) : id;
}
