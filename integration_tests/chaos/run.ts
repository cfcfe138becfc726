import { closeSync, openSync } from 'node:fs';
import { type Fault as AnswerFault, cut, during, FaultyProxy, FOR_ROWS } from '../support/faulty-proxy.ts';
import { BatchCalls } from './batch-calls.ts';
import { Connector } from './connector.ts';
import type { ConnectorName, Fault, Signal } from './faults.ts';
import type { Journal } from './journal.ts';
import type { Lab } from './lab.ts';
import { Moments } from './moments.ts';
import type { RunPlan } from './plan.ts';
import { Platform } from './platform.ts';
import type { RoundFiles } from './round-files.ts';
import type { RunEnd } from './run-end.ts';
import { FULL_DEVICE } from './small-disk.ts';
import type { StateFile } from './state-file.ts';
import type { Writers } from './writers.ts';

/** A run that takes longer is ended, and complained of. The longest waits for Batch or ClickHouse are a few seconds. */
const STUCK_AFTER_MS = 90_000;

export type RunParts = {
  lab: Lab;
  files: RoundFiles;
  journal: Journal;
  stateFile: StateFile;
  writers: Writers;
  /** The number of the run, from 0. */
  number: number;
  isHasty: boolean;
};

/** Runs `source read | platform | destination write`, with all that befalls them. Resolves to what they logged. */
export async function performRun(parts: RunParts, plan: RunPlan): Promise<string[]> {
  const run = new Run(parts, plan);
  return run.perform();
}

class Run {
  readonly #parts: RunParts;
  readonly #plan: RunPlan;
  readonly #moments = new Moments();
  readonly #platform: Platform;
  readonly #met: Fault[] = [];

  constructor(parts: RunParts, plan: RunPlan) {
    const { journal, stateFile, number, isHasty } = parts;
    this.#parts = parts;
    this.#plan = plan;
    this.#platform = new Platform({ journal, moments: this.#moments, stateFile, run: number, isHasty });
  }

  async perform(): Promise<string[]> {
    const { lab, journal, stateFile } = this.#parts;
    const calls = new BatchCalls(lab.batch, () => this.#moments.seen('requests'));
    journal.runBegins(stateFile.kept);
    const proxy = await this.#proxy();
    try {
      const ends = await this.#runConnectors(proxy?.port);
      await calls.handled();
      journal.runEnds({
        ...ends,
        met: this.#met,
        hasHeard: this.#platform.hasHeard,
        failures: this.#platform.failures,
        isBatchToStayAway: this.#has('batch_away'),
        eventsOfUnknownOutcome: calls.eventsOfUnknownOutcome,
      });
    } finally {
      proxy?.close();
      lab.disk.free();
      lab.batch.onCall = undefined;
    }
    return this.#platform.said;
  }

  async #runConnectors(proxyPort: number | undefined): Promise<Pick<RunEnd, ConnectorName | 'isStuck'>> {
    const { files, stateFile } = this.#parts;
    const isOutputFull = this.#has('output_full');
    const output = isOutputFull ? openSync(FULL_DEVICE, 'w') : undefined;
    const source = new Connector('source-clickhouse', files.readArguments(proxyPort, stateFile));
    const destination = new Connector('destination-batch', files.writeArguments(this.#has('batch_away')), output);
    if (output !== undefined) closeSync(output);
    source.stdin.end();
    const kill = (): void => {
      for (const connector of [source, destination]) connector.send('SIGKILL');
    };
    let isStuck = false;
    const watchdog = setTimeout(() => {
      isStuck = true;
      kill();
    }, STUCK_AFTER_MS);

    try {
      this.#plant({ source, destination });
      const passing = this.#platform.passOn(source.stdout, destination.stdin);
      const keeping = isOutputFull ? undefined : this.#platform.keepStates(destination.stdout);
      this.#moments.begin();
      await Promise.all([passing, keeping]);
      return { source: await source.ended, destination: await destination.ended, isStuck };
    } finally {
      clearTimeout(watchdog);
      // Should the harness itself have failed.
      kill();
    }
  }

  /** Puts each fault, and each statement of a writer, where it is to happen. */
  #plant(connectors: Record<ConnectorName, Connector>): void {
    const { writers } = this.#parts;
    for (const write of this.#plan.writes) this.#moments.at(write.at, () => writers.write(write));
    for (const fault of this.#plan.faults) {
      const happens = this.#happening(fault, connectors);
      if (happens === undefined) continue;
      this.#moments.at(happens.at, () => {
        if (happens.act()) this.#met.push(fault);
      });
    }
  }

  /** When a fault happens, and what does it: whether it did. Undefined for those that are there from the start. */
  #happening(
    fault: Fault,
    connectors: Record<ConnectorName, Connector>,
  ): { at: { after: 'rows' | 'requests' | 'states'; count: number }; act: () => boolean } | undefined {
    const { clickhouse, batch, disk } = this.#parts.lab;
    const done = (act: () => void) => () => {
      act();
      return true;
    };
    switch (fault.kind) {
      case 'signal':
        return { at: fault.at, act: () => sendTo(fault.to, fault.signal, connectors) };
      case 'batch_answer':
        return { at: fault.at, act: done(() => batch.faults.add(fault.answer)) };
      case 'batch_away':
        return {
          at: fault.at,
          act: done(() => batch.faults.add({ kind: 'status', status: fault.status, times: 1_000_000 })),
        };
      case 'clickhouse_crash':
        if (fault.behindRows > 0) return undefined;
        return { at: { after: 'rows', count: 0 }, act: done(() => void clickhouse.crash()) };
      case 'clickhouse_cut':
        return undefined;
      case 'reader_pauses':
        return { at: fault.at, act: done(() => this.#platform.pause(fault.of, fault.milliseconds)) };
      case 'reader_leaves':
        return { at: fault.at, act: done(() => this.#platform.leave(fault.of)) };
      case 'disk_full':
        return { at: fault.at, act: done(() => disk.fill()) };
      case 'output_full':
        return { at: { after: 'rows', count: 0 }, act: () => true };
    }
  }

  /** The proxy between the source and ClickHouse that damages responses with rows. */
  async #proxy(): Promise<FaultyProxy | undefined> {
    const { clickhouse } = this.#parts.lab;
    const faults = this.#plan.faults.flatMap((fault) => {
      const spoil = this.#answerFault(fault);
      return spoil === undefined ? [] : [this.#noted(fault, spoil)];
    });
    if (faults.length === 0) return undefined;
    await clickhouse.isBack();
    return FaultyProxy.start(clickhouse.server, [{ words: FOR_ROWS, faults }]);
  }

  #noted(fault: Fault, spoil: AnswerFault): AnswerFault {
    return (response, ask) => {
      this.#met.push(fault);
      return spoil(response, ask);
    };
  }

  #answerFault(fault: Fault): AnswerFault | undefined {
    if (fault.kind === 'clickhouse_cut') return cut({ rows: fault.behindRows, bytes: fault.bytes, by: fault.by });
    if (fault.kind === 'clickhouse_crash' && fault.behindRows > 0) {
      return during(fault.behindRows, () => this.#parts.lab.clickhouse.crash());
    }
    return undefined;
  }

  #has(kind: Fault['kind']): boolean {
    return this.#plan.faults.some((fault) => fault.kind === kind);
  }
}

function sendTo(
  names: readonly ConnectorName[],
  signal: Signal,
  connectors: Record<ConnectorName, Connector>,
): boolean {
  return names.map((name) => connectors[name].send(signal)).includes(true);
}
