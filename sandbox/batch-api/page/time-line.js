import { svg } from './elements.js';
import { formatCountOf } from './format.js';
import { TimeScale } from './time-scale.js';

/** @typedef {import('./profile.js').StoredEvent} StoredEvent */
/** @typedef {{ stored: StoredEvent, at: number, x: number, y: number }} Dot */

// In pixels.
const MARGIN = 12;
const LANE = 42;
const LANE_LINE = 29;
const LANE_TEXT = 13;
const AXIS = 40;
const RADIUS = 5.5;

/** How far from a dot a click may be, in pixels: a finger is wider than a dot. */
const REACH = 24;

/** The events of a profile by time, with a lane for each name. The arrow keys select the next or previous one. */
export class TimeLine {
  /** @type {HTMLElement} */
  #place;
  /** @type {(stored: StoredEvent | undefined) => void} */
  #onSelect;
  /** @type {StoredEvent[]} */
  #events = [];
  /** By time. @type {Dot[]} */
  #dots = [];
  /** The `seq` of the event that the user selected; the latest by default. @type {number | undefined} */
  #chosen;

  /**
   * @param {HTMLElement} place
   * @param {(stored: StoredEvent | undefined) => void} onSelect called with the selected event
   */
  constructor(place, onSelect) {
    this.#place = place;
    this.#onSelect = onSelect;
    let width = 0;
    new ResizeObserver(() => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      this.#draw();
    }).observe(place);
  }

  /** @param {StoredEvent[]} events */
  show(events) {
    this.#events = events;
    this.#draw();
  }

  /** Selects the latest event again. */
  forget() {
    this.#chosen = undefined;
  }

  get #selected() {
    return this.#dots.find(({ stored }) => stored.seq === this.#chosen) ?? this.#dots.at(-1);
  }

  #draw() {
    const width = this.#place.clientWidth;
    const hadFocus = this.#place.contains(document.activeElement);
    this.#onSelect(undefined);
    if (width === 0 || this.#events.length === 0) {
      this.#dots = [];
      this.#place.replaceChildren();
      return;
    }
    const names = [...new Set(this.#events.map(({ event }) => event.name))].sort();
    const times = this.#events.map(timeOf);
    const scale = new TimeScale(Math.min(...times), Math.max(...times), MARGIN, width - MARGIN);
    this.#dots = this.#events
      .map((stored) => {
        const at = timeOf(stored);
        return { stored, at, x: scale.x(at), y: names.indexOf(stored.event.name) * LANE + LANE_LINE };
      })
      .sort((a, b) => a.at - b.at || a.stored.seq - b.stored.seq);

    const bottom = names.length * LANE + 6;
    const drawing = svg(
      'svg',
      {
        width,
        height: bottom + AXIS,
        role: 'listbox',
        'aria-orientation': 'horizontal',
        'aria-label': 'Events by time',
      },
      ...scale.ticks.map(({ x }) => svg('path', { class: 'tick', d: `M${x},0 V${bottom}` })),
      ...scale.ticks.flatMap(({ date, label, labelX }) =>
        [label, date].map((line, index) =>
          svg('text', { class: 'tick', x: labelX, y: bottom + 17 + index * 14, 'text-anchor': 'middle' }, line),
        ),
      ),
      ...names.map((name, index) => drawLane(name, index, width, this.#dots)),
      ...this.#dots.map((dot) => drawDot(dot, dot === this.#selected)),
    );
    drawing.addEventListener('click', (event) => this.#chooseNear(event.offsetX, event.offsetY));
    drawing.addEventListener('keydown', (event) => this.#chooseByKey(event));
    this.#place.replaceChildren(drawing);
    if (hadFocus) this.#focusSelected();
    this.#onSelect(this.#selected?.stored);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #chooseNear(x, y) {
    const distance = (/** @type {Dot} */ dot) => Math.hypot(dot.x - x, dot.y - y);
    const [nearest] = this.#dots.toSorted((a, b) => distance(a) - distance(b));
    if (nearest !== undefined && distance(nearest) <= REACH) this.#choose(nearest);
  }

  /** @param {KeyboardEvent} event */
  #chooseByKey(event) {
    const selected = this.#selected;
    const place = selected === undefined ? -1 : this.#dots.indexOf(selected);
    const last = this.#dots.length - 1;
    /** @type {Record<string, number>} */
    const places = {
      ArrowLeft: Math.max(0, place - 1),
      ArrowRight: Math.min(last, place + 1),
      Home: 0,
      End: last,
    };
    const next = this.#dots[places[event.key] ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    this.#choose(next);
  }

  /** @param {Dot} dot */
  #choose({ stored }) {
    this.#chosen = stored.seq;
    this.#draw();
    this.#focusSelected();
  }

  #focusSelected() {
    const selected = this.#place.querySelector('[aria-selected="true"]');
    if (selected instanceof SVGElement) selected.focus({ preventScroll: true });
  }
}

/** Returns the event's time, or when it was received if it has none. @param {StoredEvent} stored */
function timeOf({ event, received_at }) {
  return Date.parse(event.time ?? received_at);
}

/**
 * @param {string} name
 * @param {number} index
 * @param {number} width
 * @param {Dot[]} dots
 */
function drawLane(name, index, width, dots) {
  const top = index * LANE;
  const count = dots.filter(({ stored }) => stored.event.name === name).length;
  return svg(
    'g',
    { 'aria-hidden': 'true' },
    svg('path', { class: 'lane', d: `M${MARGIN},${top + LANE_LINE} H${width - MARGIN}` }),
    svg(
      'text',
      { class: 'name', x: MARGIN, y: top + LANE_TEXT },
      name,
      svg('tspan', { class: 'count', dx: 8 }, formatCountOf(count, 'event')),
    ),
  );
}

/**
 * @param {Dot} dot
 * @param {boolean} isSelected
 */
function drawDot({ stored, x, y }, isSelected) {
  const { event, received_at } = stored;
  return svg(
    'circle',
    {
      class: 'dot',
      cx: x,
      cy: y,
      r: isSelected ? RADIUS + 2 : RADIUS,
      role: 'option',
      'aria-selected': isSelected ? 'true' : 'false',
      tabindex: isSelected ? 0 : -1,
    },
    svg('title', {}, `${event.name}, ${event.time ?? received_at}`),
  );
}
