import { randomBytes } from 'node:crypto';

/** The maximum number of characters of a stream's name in a file name. */
const NAME_CHARACTERS = 40;

/** Matches the name of a run, as `createRunName` returns it. */
const RUN = String.raw`\d{8}T\d{6}Z-[0-9a-f]{8}`;

/** Matches the names of files (`STREAM-RUN.ndjson`) and of objects (`STREAM/RUN-NUMBER.ndjson`) with rejected rows. */
const ROW_FILE = new RegExp(
  String.raw`^(?!\.)(?<stream>.+)[-/](?<run>${RUN})(?:-(?<number>\d+)|(?<unconfirmed>\.unconfirmed-.+))?\.ndjson$`,
);

const RUN_RECORD = new RegExp(String.raw`^\.run-(?<run>${RUN})\.json$`);

/** What the name of a file with rejected rows contains. `stream` is the name of its stream, as far as a file name allows. */
export type RowFileName = { stream: string; run: string; number: number; isUnconfirmed: boolean };

/** Returns a name for a run: its start time and a random suffix. @param startedAt milliseconds since the epoch. */
export function createRunName(startedAt: number): string {
  const stamp = new Date(startedAt).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${stamp}-${randomBytes(4).toString('hex')}`;
}

/** Returns when a run began, in ISO 8601 and to the second. */
export function parseRunStart(run: string): string {
  return run.replace(/^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ).*$/, '$1-$2-$3:$4:$5');
}

/** Returns the name of the file with the record of a run: see run-record.ts. */
export function runRecordName(run: string): string {
  return `.run-${run}.json`;
}

/** Returns the run whose record a file contains; undefined if it is another file. */
export function parseRunRecordName(name: string): string | undefined {
  return RUN_RECORD.exec(name)?.groups?.run;
}

/** Parses the name of a file with rejected rows; returns undefined for any other name. */
export function parseRowFileName(name: string): RowFileName | undefined {
  const { stream, run, number, unconfirmed } = ROW_FILE.exec(name)?.groups ?? {};
  if (stream === undefined || run === undefined) return undefined;
  return { stream, run, number: Number(number ?? 0), isUnconfirmed: unconfirmed !== undefined };
}

/**
 * Returns a function that converts the name of a stream to a part of a file name, without characters that are special in
 * a path. Two streams never get the same name.
 */
export function createStreamNames(): (stream: string) => string {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  return (stream) => {
    const known = names.get(stream);
    if (known !== undefined) return known;
    const plain = stream.replaceAll(/[^\p{L}\p{N}_-]+/gu, '_').slice(0, NAME_CHARACTERS) || 'stream';
    let name = plain;
    for (let number = 2; taken.has(name); number += 1) name = `${plain}_${number}`;
    names.set(stream, name);
    taken.add(name);
    return name;
  };
}
