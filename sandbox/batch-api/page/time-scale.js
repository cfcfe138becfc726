const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The possible distances between two ticks, in milliseconds. */
const STEPS = [
  ...[1, 10, 100],
  ...[1, 5, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
];

/** The width of a label, in pixels. */
const LABEL = 76;

/** Times of an axis, in milliseconds since 1970, as pixels from its left. */
export class TimeScale {
  /**
   * @param {number} from
   * @param {number} to
   * @param {number} left
   * @param {number} right
   */
  constructor(from, to, left, right) {
    this.from = from;
    this.to = to;
    this.left = left;
    this.right = right;
  }

  /** @param {number} time */
  x(time) {
    const share = this.to === this.from ? 0.5 : (time - this.from) / (this.to - this.from);
    return Math.round((this.left + share * (this.right - this.left)) * 10) / 10;
  }

  /** Round times, as many as fit, with their dates where these change; or the only time if there is just one. */
  get ticks() {
    if (this.to === this.from) {
      const x = this.x(this.from);
      return [{ x, labelX: x, label: formatTick(this.from, 1), date: formatDate(this.from) }];
    }
    const most = Math.max(1, Math.floor((this.right - this.left) / LABEL));
    const span = this.to - this.from;
    const step = STEPS.find((length) => span / length <= most) ?? DAY * Math.ceil(span / DAY / most);
    const first = Math.ceil(this.from / step) * step;
    const count = Math.max(0, Math.floor((this.to - first) / step) + 1);
    const times = Array.from({ length: count }, (_, index) => first + index * step);
    return times.map((time, index) => {
      // Half of the label must fit at either end.
      const x = this.x(time);
      return {
        x,
        labelX: Math.min(Math.max(x, this.left + LABEL / 4), this.right - LABEL / 4),
        label: formatTick(time, step),
        date: step < DAY && (index === 0 || formatDate(time) !== formatDate(times[index - 1])) ? formatDate(time) : '',
      };
    });
  }
}

/** @param {number} time */
function formatDate(time) {
  return new Date(time).toISOString().slice(0, 10);
}

/**
 * Formats a time in UTC, as precisely as the step needs.
 *
 * @param {number} time
 * @param {number} step
 */
function formatTick(time, step) {
  if (step >= DAY) return formatDate(time);
  const stamp = new Date(time).toISOString();
  if (step >= MINUTE) return stamp.slice(11, 16);
  return stamp.slice(11, step >= SECOND ? 19 : 23);
}
