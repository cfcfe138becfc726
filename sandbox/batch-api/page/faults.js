import { getJson, send } from './ask.js';
import { html, part } from './elements.js';
import { formatCountOf, formatDuration } from './format.js';
import { explainStatus } from './statuses.js';

/**
 * A fault as the sandbox lists it.
 *
 * @typedef {object} Fault
 * @property {string} kind
 * @property {number} [status]
 * @property {boolean} [stored]
 * @property {number} [times]
 * @property {number} [milliseconds]
 * @property {string} [contains]
 * @property {string} [reason]
 */

/** The faults that can be added; `needs` names the fields of the form that they use. */
const FAULTS = [
  { label: 'HTTP 429: too many requests', needs: ['times'], fault: { kind: 'status', status: 429 } },
  { label: 'HTTP 500: server error', needs: ['times'], fault: { kind: 'status', status: 500 } },
  { label: 'HTTP 503: maintenance', needs: ['times'], fault: { kind: 'status', status: 503 } },
  {
    label: 'HTTP 504, although the data was stored',
    needs: ['times'],
    fault: { kind: 'status', status: 504, stored: true },
  },
  { label: 'A slow answer', needs: ['times', 'seconds'], fault: { kind: 'delay' } },
  { label: 'No answer, then the connection is closed', needs: ['times', 'seconds'], fault: { kind: 'hang' } },
  { label: 'The connection is closed before the data is stored', needs: ['times'], fault: { kind: 'cut' } },
  {
    label: 'The connection is closed after the data is stored',
    needs: ['times'],
    fault: { kind: 'cut', stored: true },
  },
  {
    label: 'The first update is rejected',
    needs: ['times'],
    fault: { kind: 'partial', bulk_index: 0, category: 'update', reason: 'added on the page of the sandbox' },
  },
  { label: 'An answer that is not JSON', needs: ['times'], fault: { kind: 'garbage' } },
  { label: 'HTTP 400 if the body contains a string', needs: ['text'], fault: { kind: 'refuse_when' } },
];

const kind = part('fault-kind', HTMLSelectElement);
const text = part('fault-text', HTMLInputElement);

/** Nothing is added before the button is clicked: a wrong selection does no harm. */
export function startFaultForm() {
  kind.replaceChildren(...FAULTS.map(({ label }, index) => html('option', { value: index }, label)));
  kind.addEventListener('change', showFields);
  showFields();
  part('fault-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    change('POST', readForm());
  });
  part('fault-clear', HTMLButtonElement).addEventListener('click', () => change('DELETE'));
}

/** Shows only the fields that the selected fault needs. */
function showFields() {
  const { needs } = FAULTS[kind.selectedIndex];
  for (const field of ['text', 'seconds', 'times']) {
    const isNeeded = needs.includes(field);
    part(`fault-${field}-field`, HTMLLabelElement).hidden = !isNeeded;
    // Otherwise the form would check the value of a hidden field.
    part(`fault-${field}`, HTMLInputElement).disabled = !isNeeded;
  }
}

function readForm() {
  const { fault, needs } = FAULTS[kind.selectedIndex];
  const seconds = part('fault-seconds', HTMLInputElement).valueAsNumber;
  return {
    ...fault,
    ...(needs.includes('text') && { contains: text.value }),
    ...(needs.includes('seconds') && { milliseconds: Math.round(seconds * 1000) }),
    ...(needs.includes('times') && { times: part('fault-times', HTMLInputElement).valueAsNumber }),
  };
}

/** @param {Fault[]} faults */
export function showFaults(faults) {
  part('fault-list', HTMLOListElement).replaceChildren(
    ...faults.map((fault) =>
      html('li', {}, html('strong', {}, describeFault(fault)), html('span', {}, describeTimes(fault))),
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
  const after = stored === true ? ', although the data was stored' : '';
  switch (kind) {
    case 'status':
      return `HTTP ${status}: ${explainStatus(String(status))}${after}`;
    case 'delay':
      return `Answer after ${formatDuration(wait ?? 0)}`;
    case 'hang':
      return `No answer${after}${wait === undefined ? '' : `; the connection is closed after ${formatDuration(wait)}`}`;
    case 'cut':
      return `The connection is closed ${stored === true ? 'after' : 'before'} the data is stored`;
    case 'garbage':
      return `An answer that is not JSON${after}`;
    case 'partial':
      return `An update is rejected: ${reason}`;
    case 'partials':
      return 'Several updates are rejected';
    case 'refuse_when':
      return `HTTP ${status} if the body contains ${contains}`;
    default:
      return kind;
  }
}

/** @param {Fault} fault */
function describeTimes({ times }) {
  if (times === undefined) return 'until it is removed';
  return times === 1 ? 'the next request' : `the next ${formatCountOf(times, 'request')}`;
}
