/**
 * What a production Worker imports to let Firebreak help it from inside: `firebreak/sdk`. One `Firebreak` per isolate, one `Database`
 * per request. Without a Firebreak, or with one that is dead, it is an ordinary query function.
 */
import type { ReportKind } from "../traffic/report-kinds.ts";
import { Database, DatabaseMemory, type Connections } from "./database.ts";
import { reportsOf } from "./failures.ts";
import { PolicyView, type PolicyReader, type WaitUntil } from "./policy-view.ts";
import { Reporter, type ReportReceiver } from "./reporter.ts";

export type { CacheStore } from "./query-cache.ts";
export type { Connections, Database, QueryOptions } from "./database.ts";
export type { PoolSettings } from "./pool.ts";
export type { Row, Sql } from "./sql.ts";
export type { PolicyReader, ReportKind, ReportReceiver };

export type Session = {
  /** Stable for one visitor, so that half a release finds the same visitors each time; empty for nobody in particular. */
  readonly key: string;
  /** `database.wroteAtMs` of an earlier request, from a cookie; null for none. */
  readonly wroteAtMs: number | null;
};

export type FirebreakBindings = {
  /** Gives Firebreak's policy object (bind `GuardPolicy`, get it by the name `policy`), anew for each use; null for none. */
  readonly policy: () => PolicyReader | null;
  /** Gives the object that takes reports (bind `Traffic`, get it by `traffic:<shard>`), anew for each use; without it nothing is reported. */
  readonly traffic?: (name: `traffic:${number}`) => ReportReceiver | null;
};

export class Firebreak {
  readonly #view: PolicyView;
  readonly #memory: DatabaseMemory;
  readonly #reporter: Reporter | null;

  constructor({ policy, traffic }: FirebreakBindings) {
    const random = (): number => Math.random();
    this.#view = new PolicyView({ reader: policy, random });
    this.#memory = new DatabaseMemory(random);
    this.#reporter =
      traffic === undefined
        ? null
        : new Reporter({
            receiver: (shard) => traffic(`traffic:${shard}`),
            shards: () => this.#view.trafficShards,
            newIsolateId: () => crypto.randomUUID(),
          });
  }

  /** The database for one request. `waitUntil` takes what may go on after the answer. */
  database(
    connections: Connections,
    { session, waitUntil }: { readonly session: Session; readonly waitUntil: WaitUntil },
  ): Database {
    return new Database({
      connections,
      memory: this.#memory,
      asked: () => this.#view.asked(session.key, waitUntil),
      wroteAtMs: session.wroteAtMs,
      waitUntil,
      watch: {
        asked: () => this.#reporter?.alive(Date.now(), waitUntil),
        failed: (error) => this.reportFailure(error, waitUntil),
      },
    });
  }

  /** Tells Firebreak that it happened once, in the background: that, and nothing about whom or what. */
  report(kind: ReportKind, waitUntil: WaitUntil): void {
    this.#reporter?.record(kind, Date.now(), waitUntil);
  }

  /** The same for a query that did not go through `Database`, such as one of a `Pool`: what its error says of the database. */
  reportFailure(error: unknown, waitUntil: WaitUntil): void {
    for (const kind of reportsOf(error)) this.report(kind, waitUntil);
  }
}
