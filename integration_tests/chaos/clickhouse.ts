import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';

/** A server that is killed now and then, and comes back by itself on the same data. */
export class CrashingClickHouse {
  readonly server: ClickHouseServer;
  #back: Promise<void> = Promise.resolve();

  constructor(server: ClickHouseServer) {
    this.server = server;
  }

  /** Resolves when the server is gone; it is started again at once. */
  async crash(): Promise<void> {
    const gone = this.#back.then(() => this.server.kill());
    this.#back = gone.then(() => this.server.restart());
    // Rejects the promise of the test that waits for the server.
    this.#back.catch(() => undefined);
    await gone;
  }

  /** Resolves when the server is there. @throws when it did not come back. */
  isBack(): Promise<void> {
    return this.#back;
  }
}
