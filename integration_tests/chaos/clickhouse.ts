import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';

/** A ClickHouse server that can be killed. It then restarts with the same data. */
export class CrashingClickHouse {
  readonly server: ClickHouseServer;
  #back: Promise<void> = Promise.resolve();

  constructor(server: ClickHouseServer) {
    this.server = server;
  }

  /** Kills the server. Resolves when its process has ended; the restart then continues in the background. */
  async crash(): Promise<void> {
    const gone = this.#back.then(() => this.server.kill());
    this.#back = gone.then(() => this.server.restart());
    // Callers of `isBack` get the error.
    this.#back.catch(() => undefined);
    await gone;
  }

  /** Resolves when the server is running. @throws if it could not be restarted. */
  isBack(): Promise<void> {
    return this.#back;
  }
}
