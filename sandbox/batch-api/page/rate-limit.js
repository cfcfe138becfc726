import { html, part, svg } from './elements.js';
import { formatCount } from './format.js';

/**
 * @typedef {object} TokenPast
 * @property {number} capacity
 * @property {number} per_second
 * @property {number[]} fewest_left one per second, oldest first
 */

/** Size of a plot in its own units, whatever its size on the page. */
const WIDTH = 400;
const HEIGHT = 80;

/**
 * @param {Record<string, TokenPast>} past by endpoint
 * @param {Record<string, { left: number }>} now by endpoint
 */
export function showRates(past, now) {
  part('rates', HTMLDivElement).replaceChildren(
    ...Object.entries(past).map(([endpoint, tokens]) => drawPlot(endpoint, tokens, Math.floor(now[endpoint].left))),
  );
}

/**
 * @param {string} endpoint
 * @param {TokenPast} tokens
 * @param {number} left
 */
function drawPlot(endpoint, { capacity, fewest_left, per_second }, left) {
  const line = drawPath(fewest_left, capacity);
  const fewest = Math.min(...fewest_left);
  return html(
    'figure',
    { 'data-endpoint': endpoint },
    html(
      'figcaption',
      {},
      html('strong', {}, `profiles/${endpoint}`),
      html('span', { class: 'number' }, formatCount(left)),
      html('span', {}, ` of ${formatCount(capacity)} left; ${formatCount(per_second)} come back each second`),
    ),
    svg(
      'svg',
      {
        viewBox: `0 -2 ${WIDTH} ${HEIGHT + 4}`,
        preserveAspectRatio: 'none',
        role: 'img',
        'aria-label': `Updates that ${endpoint} would accept: ${left} of ${capacity} now, ${fewest} at the lowest of the last two minutes`,
      },
      svg('path', { class: 'area', d: `${line} V${HEIGHT} H0 Z` }),
      svg('path', { class: 'axis', d: `M0,${HEIGHT} H${WIDTH}` }),
      svg('path', { class: 'line', d: line }),
    ),
    html('div', { class: 'scale', 'aria-hidden': 'true' }, html('span', {}, '2 minutes ago'), html('span', {}, 'now')),
  );
}

/**
 * @param {number[]} values
 * @param {number} most
 */
function drawPath(values, most) {
  const points = values.map((value, index) => {
    const x = (index / (values.length - 1)) * WIDTH;
    const y = HEIGHT * (1 - (most === 0 ? 0 : value / most));
    return `${x.toFixed(1)},${y.toFixed(1)}`;
  });
  return `M${points.join(' L')}`;
}
