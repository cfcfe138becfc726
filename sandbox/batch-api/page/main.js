import { getJson } from './ask.js';
import { showCounts } from './counts.js';
import { addFaultButtons, showFaults } from './faults.js';
import { keepLooking } from './live.js';
import { refreshProfile } from './profile.js';
import { profiles } from './profiles.js';
import { rejected } from './rejected.js';
import { requests } from './requests.js';
import { showTokens } from './tokens.js';

let countsBefore = '';

addFaultButtons();
await keepLooking(async (isAsked) => {
  const [stats, past, faults] = await Promise.all([getJson('stats'), getJson('tokens'), getJson('faults')]);
  const { tokens, ...counts } = stats;
  showCounts(stats);
  showTokens(past, tokens);
  showFaults(faults);

  // The rest is large, and only changes with a request.
  const counted = JSON.stringify(counts);
  if (counted === countsBefore && !isAsked) return;
  await Promise.all([requests.refresh(), rejected.refresh(), profiles.refresh()]);
  await refreshProfile();
  countsBefore = counted;
});
