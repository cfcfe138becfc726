import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

// Fails if a package in the bundle has a known vulnerability. `npm audit --omit=dev` checks nothing here, because the packages of
// the bundle are development dependencies, and `npm audit` also reports tools that no user gets.

const licences = readFileSync(new URL('../dist/third-party-licences.txt', import.meta.url), 'utf8');
const bundled = new Set([...licences.matchAll(/^Name: (.+)$/gm)].map(([, name]) => name));

const { stdout, stderr } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8' });
const { vulnerabilities } = JSON.parse(stdout);
if (vulnerabilities === undefined) {
  process.stdout.write(`They can't be checked: npm audit failed.\n${stderr}`);
  // A mirror of the registry may not have this service.
  process.exitCode = stderr.includes('audit endpoint returned an error') ? 0 : 1;
} else {
  const found = Object.values(vulnerabilities).filter(({ name }) => bundled.has(name));
  for (const { name, severity, range, via } of found) {
    const titles = via.flatMap((cause) => (typeof cause === 'string' ? [] : [`${cause.title} (${cause.url})`]));
    process.stdout.write(`${severity}: ${name} ${range}: ${titles.join('; ')}\n`);
  }
  process.stdout.write(`${bundled.size} packages, ${found.length} with known vulnerabilities.\n`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
