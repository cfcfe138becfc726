import { getJson, send } from './ask.js';
import { html, part } from './elements.js';
import { formatCountOf, formatDuration } from './format.js';

/**
 * @typedef {object} Fault
 * @property {string} kind
 * @property {number} [status]
 * @property {boolean} [stored]
 * @property {number} [times]
 * @property {number} [milliseconds]
 * @property {string} [contains]
 * @property {string} [reason]
 */

/** The fault that a button adds, without `times`. @type {[label: string, make: () => Fault | Record<string, unknown>][]} */
const BUTTONS = [
  ['429 Too many requests', () => ({ kind: 'status', status: 429 })],
  ['500 Server error', () => ({ kind: 'status', status: 500 })],
  ['503 Maintenance', () => ({ kind: 'status', status: 503 })],
  ['504 after storing', () => ({ kind: 'status', status: 504, stored: true })],
  ['Delay', () => ({ kind: 'delay', milliseconds: milliseconds() })],
  ['Hang, then cut', () => ({ kind: 'hang', milliseconds: milliseconds() })],
  ['Cut before storing', () => ({ kind: 'cut' })],
  ['Cut after storing', () => ({ kind: 'cut', stored: true })],
  [
    'Partial error',
    () => ({ kind: 'partial', bulk_index: 0, category: 'update', reason: 'Added on the page of the sandbox.' }),
  ],
  ['Garbage as body', () => ({ kind: 'garbage' })],
];

export function addFaultButtons() {
  part('fault-buttons', HTMLDivElement).replaceChildren(
    ...BUTTONS.map(([label, make]) => {
      const button = html('button', { type: 'button' }, label);
      button.addEventListener('click', () => change('POST', { ...make(), times: timesAsked() }));
      return button;
    }),
  );
  part('refuse-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    change('POST', { kind: 'refuse_when', contains: part('refuse-text', HTMLInputElement).value });
  });
  part('fault-clear', HTMLButtonElement).addEventListener('click', () => change('DELETE'));
}

/** @param {Fault[]} faults */
export function showFaults(faults) {
  part('fault-list', HTMLOListElement).replaceChildren(
    ...faults.map((fault) =>
      html('li', {}, html('strong', {}, describeFault(fault)), html('span', {}, describeDuration(fault))),
    ),
  );
  part('fault-none', HTMLParagraphElement).hidden = faults.length > 0;
  part('fault-clear', HTMLButtonElement).disabled = faults.length === 0;
}

/**
 * @param {'POST' | 'DELETE'} method
 * @param {unknown} [body]
 */
async function change(method, body) {
  const problem = part('fault-problem', HTMLParagraphElement);
  try {
    await send(method, 'faults', body);
    showFaults(await getJson('faults'));
    problem.textContent = '';
  } catch (error) {
    problem.textContent = error instanceof Error ? error.message : String(error);
  }
}

/** @param {Fault} fault */
function describeFault({ contains, kind, milliseconds: wait, reason, status, stored }) {
  const after = stored === true ? ' after storing' : '';
  switch (kind) {
    case 'status':
      return `${status}${after}`;
    case 'delay':
      return `Handled after ${formatDuration(wait ?? 0)}`;
    case 'hang':
      return wait === undefined ? `No answer${after}` : `No answer${after}, cut after ${formatDuration(wait)}`;
    case 'cut':
      return stored === true ? 'Cut after storing' : 'Cut before storing';
    case 'garbage':
      return `Garbage as body${after}`;
    case 'partial':
      return `Partial error: ${reason}`;
    case 'refuse_when':
      return `${status} for bodies that contain ${contains}`;
    default:
      return kind;
  }
}

/** @param {Fault} fault */
function describeDuration({ times }) {
  return times === undefined ? 'until cleared' : formatCountOf(times, 'call');
}

function timesAsked() {
  return part('fault-times', HTMLInputElement).valueAsNumber;
}

function milliseconds() {
  return Math.round(part('fault-seconds', HTMLInputElement).valueAsNumber * 1000);
}
