import { closeSync, openSync } from 'node:fs';
import { type Fault as AnswerFault, cut, during, FaultyProxy, FOR_ROWS } from '../support/faulty-proxy.ts';
import { BatchCalls } from './batch-calls.ts';
import { Connector } from './connector.ts';
import type { ConnectorName, Fault, Moment, Signal } from './faults.ts';
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

/** After this time, a run is killed and reported as stuck. The longest waits for Batch or ClickHouse are a few seconds. */
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

/** Runs `source read | platform | destination write` with the faults and INSERTs of a plan. Resolves to the logs. */
export async function performRun(parts: RunParts, plan: RunPlan): Promise<string[]> {
  const run = new Run(parts, plan);
  return run.perform();
}

class Run {
  readonly #parts: RunParts;
  readonly #plan: RunPlan;
  readonly #moments = new Moments();
  readonly #platform: Platform;
  readonly #occurred: Fault[] = [];

  constructor(parts: RunParts, plan: RunPlan) {
    const { journal, stateFile, number, isHasty } = parts;
    this.#parts = parts;
    this.#plan = plan;
    this.#platform = new Platform({ journal, moments: this.#moments, stateFile, run: number, isHasty });
  }

  async perform(): Promise<string[]> {
    const { lab, journal, stateFile } = this.#parts;
    const calls = new BatchCalls(lab.batch, () => this.#moments.seen('requests'));
    journal.runBegins(stateFile.saved);
    const proxy = await this.#proxy();
    try {
      const ends = await this.#runConnectors(proxy?.port);
      await calls.handled();
      journal.runEnds({
        ...ends,
        occurred: this.#occurred,
        loggedSignal: this.#platform.loggedSignal,
        failures: this.#platform.failures,
        isBatchAway: this.#has('batch_away'),
        eventsOfUnknownOutcome: calls.eventsOfUnknownOutcome,
      });
    } finally {
      proxy?.close();
      lab.disk.free();
      lab.batch.onCall = undefined;
    }
    return this.#platform.logs;
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
      this.#schedule({ source, destination });
      const forwarding = this.#platform.forward(source.stdout, destination.stdin);
      const saving = isOutputFull ? undefined : this.#platform.saveStates(destination.stdout);
      this.#moments.begin();
      await Promise.all([forwarding, saving]);
      return { source: await source.ended, destination: await destination.ended, isStuck };
    } finally {
      clearTimeout(watchdog);
      // If the test code failed, the connectors may still be running.
      kill();
    }
  }

  /** Schedules each INSERT, and each fault that a trigger starts. */
  #schedule(connectors: Record<ConnectorName, Connector>): void {
    const { writers } = this.#parts;
    for (const write of this.#plan.writes) this.#moments.at(write.at, () => writers.write(write));
    for (const fault of this.#plan.faults) {
      const trigger = this.#triggerOf(fault, connectors);
      if (trigger === undefined) continue;
      this.#moments.at(trigger.at, () => {
        if (trigger.act()) this.#occurred.push(fault);
      });
    }
  }

  /**
   * Returns when a fault occurs, and a function that causes it and returns whether it occurred. Returns undefined for faults that
   * the proxy causes.
   */
  #triggerOf(
    fault: Fault,
    connectors: Record<ConnectorName, Connector>,
  ): { at: Moment; act: () => boolean } | undefined {
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
        if (fault.afterRows > 0) return undefined;
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

  /** Starts the proxy between the source and ClickHouse, if the plan has faults for responses with rows. */
  async #proxy(): Promise<FaultyProxy | undefined> {
    const { clickhouse } = this.#parts.lab;
    const faults = this.#plan.faults.flatMap((fault) => {
      const damage = this.#answerFault(fault);
      return damage === undefined ? [] : [this.#recorded(fault, damage)];
    });
    if (faults.length === 0) return undefined;
    await clickhouse.isBack();
    return FaultyProxy.start(clickhouse.server, [{ words: FOR_ROWS, faults }]);
  }

  /** Wraps a fault of the proxy, so that it is recorded when it occurs. */
  #recorded(fault: Fault, damage: AnswerFault): AnswerFault {
    return (response, ask) => {
      this.#occurred.push(fault);
      return damage(response, ask);
    };
  }

  #answerFault(fault: Fault): AnswerFault | undefined {
    if (fault.kind === 'clickhouse_cut') return cut({ rows: fault.afterRows, bytes: fault.bytes, by: fault.by });
    if (fault.kind === 'clickhouse_crash' && fault.afterRows > 0) {
      return during(fault.afterRows, () => this.#parts.lab.clickhouse.crash());
    }
    return undefined;
  }

  #has(kind: Fault['kind']): boolean {
    return this.#plan.faults.some((fault) => fault.kind === kind);
  }
}

/** Sends a signal to connectors. Returns whether one of them was still running. */
function sendTo(
  names: readonly ConnectorName[],
  signal: Signal,
  connectors: Record<ConnectorName, Connector>,
): boolean {
  return names.map((name) => connectors[name].send(signal)).includes(true);
}
