/** Carries out what waits in an outbox: each key in order, keys side by side, so that a slow one holds up nobody but its own. */

export type LanesOf<Row> = {
  /** The first row of each key, when it is due, most urgent first. */
  readonly due: () => readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Leaves the row done or postponed. It rejects only when not even that could be written down. */
  readonly perform: (row: Row) => Promise<void>;
  /** Rows carried out at once; those that are urgent do not count the others. */
  readonly atOnceMax: number;
  readonly isUrgent: (row: Row) => boolean;
};

export class Lanes<Row> {
  readonly #of: LanesOf<Row>;
  readonly #running = new Map<string, Promise<void>>();
  #fault: { readonly fault: unknown } | null = null;

  constructor(of: LanesOf<Row>) {
    this.#of = of;
  }

  /** Starts what is due and goes on until nothing is, here or in the lane of `key`; rejects when a row could not be written down. */
  async drain(key?: string): Promise<void> {
    this.#start();
    for (;;) {
      const awaited = key === undefined ? [...this.#running.values()] : this.#lane(key);
      if (awaited.length === 0) break;
      await Promise.race(awaited);
    }
    const broken = this.#fault;
    this.#fault = null;
    if (broken !== null) throw broken.fault;
  }

  /** Something new waits: should lanes be running, it need not wait for the slowest of them. */
  notice(): void {
    if (this.#running.size > 0) this.#start();
  }

  #lane(key: string): readonly Promise<void>[] {
    const lane = this.#running.get(key);
    return lane === undefined ? [] : [lane];
  }

  #start(): void {
    for (const row of this.#of.due()) {
      const key = this.#of.keyOf(row);
      if (this.#running.has(key)) continue;
      if (this.#running.size >= this.#of.atOnceMax && !this.#of.isUrgent(row)) continue;
      this.#running.set(key, this.#run(row, key));
    }
  }

  async #run(row: Row, key: string): Promise<void> {
    try {
      // What `perform` does before its first wait must not run inside `#start`.
      await Promise.resolve();
      await this.#of.perform(row);
      this.#running.delete(key);
      this.#start();
    } catch (fault) {
      // Whoever drains goes on later, or a disk that is full would be asked without a pause.
      this.#running.delete(key);
      this.#fault = { fault };
    }
  }
}
