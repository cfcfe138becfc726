import { part } from './elements.js';

/** The hash of the address selects the tab, so that a reload and the back button keep it. */
const FAULTS = '#faults';

const tabs = [
  { tab: part('received-tab', HTMLButtonElement), panel: part('received', HTMLElement), hash: '' },
  { tab: part('faults-tab', HTMLButtonElement), panel: part('faults', HTMLElement), hash: FAULTS },
];

export function startTabs() {
  for (const { hash, tab } of tabs) {
    tab.addEventListener('click', () => {
      location.hash = hash;
    });
  }
  part('tabs', HTMLElement).addEventListener('keydown', ({ key }) => {
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return;
    const other = tabs.find(({ tab }) => tab.ariaSelected !== 'true')?.tab;
    other?.focus();
    other?.click();
  });
  window.addEventListener('hashchange', showTab);
  showTab();
}

function showTab() {
  for (const { hash, panel, tab } of tabs) {
    const isShown = (hash === FAULTS) === (location.hash === FAULTS);
    panel.hidden = !isShown;
    tab.ariaSelected = String(isShown);
    tab.tabIndex = isShown ? 0 : -1;
  }
}
