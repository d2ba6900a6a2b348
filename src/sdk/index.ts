/**
 * What a production Worker imports to let Firebreak help it from inside: `firebreak/sdk`. One `Firebreak` per isolate, one `Database`
 * per request. Without a Firebreak, or with one that is dead, it is an ordinary query function.
 */
import { Database, DatabaseMemory, type Connections } from "./database.ts";
import { PolicyView, type PolicyReader, type WaitUntil } from "./policy-view.ts";

export type { CacheStore } from "./query-cache.ts";
export type { Connections, Database, QueryOptions } from "./database.ts";
export type { PoolSettings } from "./pool.ts";
export type { Row, Sql } from "./sql.ts";
export type { PolicyReader };

export type Session = {
  /** Stable for one visitor, so that half a release finds the same visitors each time; empty for nobody in particular. */
  readonly key: string;
  /** `database.wroteAtMs` of an earlier request, from a cookie; null for none. */
  readonly wroteAtMs: number | null;
};

export class Firebreak {
  readonly #view: PolicyView;
  readonly #memory: DatabaseMemory;

  /** `policy` gives Firebreak's policy object (bind `GuardPolicy`, get it by the name `policy`), anew for each use; null for none. */
  constructor({ policy }: { readonly policy: () => PolicyReader | null }) {
    const random = (): number => Math.random();
    this.#view = new PolicyView({ reader: policy, random });
    this.#memory = new DatabaseMemory(random);
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
    });
  }
}
