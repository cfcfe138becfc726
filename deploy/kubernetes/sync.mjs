/**
 * One sync, the whole of a pod: `read | write` from the state of the last sync on, and each new state kept as it comes.
 *
 * - In Node, which the image has for certain: shells differ in what they can do for a durable file, and in whether they
 *   tell how the first half of a pipe ended.
 * - It ends with 0 only if both halves did, and so a pod does not succeed whose rows were read in part.
 * - Kubernetes tells this process alone that the pod is to end. It tells both halves: they finish what they have begun,
 *   write the last state and end, and it is kept.
 *
 * Environment: CONNECTORS, the folder of the launchers; CONFIGURATION, that of source.json, destination.json and
 * catalog.json; STATE_FILE; SOURCE_CHANGES and DESTINATION_CHANGES, JSON that is laid over the two configurations.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const { CONNECTORS, CONFIGURATION, STATE_FILE, SOURCE_CHANGES = '{}', DESTINATION_CHANGES = '{}' } = process.env;

const scratch = mkdtempSync(join(tmpdir(), 'sync-'));
/** The text of the last state of each stream: those of the last sync, until a newer one comes. */
const states = new Map();

try {
  process.exitCode = await sync();
} finally {
  rmSync(scratch, { recursive: true });
}

async function sync() {
  const catalog = ['--catalog', join(CONFIGURATION, 'catalog.json')];
  const source = ['--config', configuration('source.json', SOURCE_CHANGES)];
  const destination = ['--config', configuration('destination.json', DESTINATION_CHANGES)];
  const hasState = existsSync(STATE_FILE);
  if (hasState) for (const message of JSON.parse(readFileSync(STATE_FILE, 'utf8'))) remember(message);
  const state = hasState ? ['--state', STATE_FILE] : [];

  const reader = spawn(join(CONNECTORS, 'source-clickhouse'), ['read', ...source, ...catalog, ...state], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const writer = spawn(join(CONNECTORS, 'destination-batch'), ['write', ...destination, ...catalog], {
    stdio: [reader.stdout, 'pipe', 'inherit'],
  });
  // The writer has it now. Held here as well, it would keep the reader from hearing that the writer is gone.
  reader.stdout.destroy();
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      for (const half of [reader, writer]) half.kill(signal);
    });
  }
  const ends = [writer, reader].map((half) => exitCode(half));
  await passOn(writer.stdout);
  const [written, read] = await Promise.all(ends);
  return written || read;
}

/** The path of a configuration with the changes laid over it. */
function configuration(name, changes) {
  const path = join(scratch, name);
  const changed = { ...JSON.parse(readFileSync(join(CONFIGURATION, name), 'utf8')), ...JSON.parse(changes) };
  writeFileSync(path, JSON.stringify(changed), { mode: 0o600 });
  return path;
}

function remember(message, text = JSON.stringify(message)) {
  states.set(JSON.stringify(message.state.stream.stream_descriptor), text);
}

/** Keeps the states that the destination writes, and passes on the rest, its log. */
async function passOn(output) {
  let pieces = [];
  for await (const piece of output.setEncoding('utf8')) {
    pieces.push(piece);
    if (!piece.includes('\n')) continue;
    const lines = pieces.join('').split('\n');
    pieces = lines.splice(-1);
    let isNews = false;
    for (const line of lines) {
      const message = JSON.parse(line);
      if (message.type === 'STATE') {
        remember(message, line);
        isNews = true;
      } else {
        process.stdout.write(`${line}\n`);
      }
    }
    // While they are being kept, those behind them wait in the pipe: a slow disk is written to less often.
    if (isNews) await keepStates();
  }
}

/** Whatever happens meanwhile, the state file holds the states of before or those of now, whole. */
async function keepStates() {
  const aside = `${STATE_FILE}.new`;
  const file = await open(aside, 'w');
  await file.writeFile(`[${[...states.values()].join(',\n')}]\n`);
  await file.sync();
  await file.close();
  await rename(aside, STATE_FILE);
  const folder = await open(dirname(STATE_FILE));
  await folder.sync();
  await folder.close();
}

/** The exit code of a process, as a shell tells it. */
async function exitCode(child) {
  const [code, signal] = await once(child, 'exit');
  return code ?? 128 + constants.signals[signal];
}
