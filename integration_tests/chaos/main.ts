import { randomInt } from 'node:crypto';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { say } from '../../sandbox/say.ts';
import { openLab } from './lab.ts';
import { drawPlan } from './plan.ts';
import { describeFailure, describeResult, failureOf } from './report.ts';
import { performRound } from './round.ts';

/** `npm run chaos -- --rounds N --seed S`. See integration_tests/chaos/README.md. */
const options = await yargs(hideBin(process.argv))
  .scriptName('npm run chaos --')
  .usage('$0 [options]\n\nRuns the two connectors while everything around them fails, and counts every row.')
  .option('rounds', { type: 'number', default: 20, describe: 'number of rounds' })
  .option('seed', {
    type: 'number',
    defaultDescription: 'a random one',
    describe: 'seed of the first round; each following round adds 1',
  })
  .option('parallel', { type: 'number', default: 1, describe: 'number of rounds that run at the same time' })
  .strict()
  .parseAsync();
const { rounds, parallel, seed = randomInt(1_000_000) } = options;

let next = 0;
let failed = 0;
let isStopped = false;
const stop = (): void => {
  isStopped = true;
};
// A signal may arrive twice: from the terminal, and from a program such as npm that forwards it.
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

await Promise.all(Array.from({ length: parallel }, performRounds));
say(failed === 0 ? `All ${next} rounds from seed ${seed} on passed.` : `${failed} of ${next} rounds failed.`);
if (failed > 0) process.exitCode = 1;

async function performRounds(): Promise<void> {
  const lab = await openLab();
  try {
    while (next < rounds && !isStopped) {
      const plan = drawPlan(seed + next);
      next += 1;
      const result = await performRound(lab, plan).catch(failureOf);
      say(describeResult(plan, result));
      if (result.complaints.length === 0) continue;
      failed += 1;
      say(describeFailure(plan, result));
    }
  } finally {
    await lab.close();
  }
}
