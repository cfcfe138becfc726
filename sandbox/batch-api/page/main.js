import { getJson } from './ask.js';
import { showCounts } from './counts.js';
import { names } from './event-names.js';
import { showFaults, startFaultForm } from './faults.js';
import { keepLooking } from './live.js';
import { events } from './newest-events.js';
import { refreshProfile } from './profile.js';
import { profiles } from './profiles.js';
import { showRates } from './rate-limit.js';
import { rejections } from './rejections.js';
import { requests } from './requests.js';
import { startTabs } from './tabs.js';

let countsBefore = '';

startTabs();
startFaultForm();
await keepLooking(async (isAsked) => {
  const [stats, past, faults] = await Promise.all([getJson('stats'), getJson('tokens'), getJson('faults')]);
  const { tokens, ...counts } = stats;
  showCounts(stats);
  showRates(past, tokens);
  showFaults(faults);

  // The rest is large, and only changes with a request.
  const counted = JSON.stringify(counts);
  if (counted === countsBefore && !isAsked) return;
  await Promise.all([names, events, rejections, profiles, requests].map((list) => list.refresh()));
  await refreshProfile();
  countsBefore = counted;
});
