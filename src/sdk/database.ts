/** The database as production uses it: an ordinary query function, which does what Firebreak asks while it asks for something. */
import type {
  NeonQueryFunctionInTransaction,
  NeonQueryInTransaction,
} from "@neondatabase/serverless";
import { besidePrimary } from "./beside.ts";
import type { Asked, WaitUntil } from "./policy-view.ts";
import { poolSettings, SERVER_ROOM, serverRoom, type PoolSettings } from "./pool.ts";
import { keyOf, QueryCache, type CacheStore } from "./query-cache.ts";
import { meaningOf, Replica } from "./replica.ts";
import { limitTime, READ_ONLY, runOn, sqlStateOf, type Row, type Run, type Sql } from "./sql.ts";
import { statementOf, type Statement } from "./statement.ts";

/** Texts whose meaning one isolate remembers; applications have few, and those that make up texts are judged each time. */
export const STATEMENTS_MAX = 1_000;
const ROOM_FRESH_MS = 10 * 60_000;

export type Connections = {
  readonly primary: Sql;
  /** Null where there is none: reads stay where they are. */
  readonly replica: Sql | null;
  /**
   * The primary's connection string, and how to connect, for a replica that Firebreak adds beside the primary; without it none is read
   * from. `connect` is given nothing but the same string with the host of a sibling.
   */
  readonly beside?: { readonly url: string; readonly connect: (url: string) => Sql };
  /** Null where there is no Redis: nothing is cached. */
  readonly store: CacheStore | null;
  /** Keeps databases apart that share a Redis. */
  readonly namespace: string;
};

export type QueryOptions = {
  /** False for what must never be minutes old, such as a password or a balance. */
  readonly cache?: boolean;
  /** False for what must be read where it was written. */
  readonly replica?: boolean;
};

/** What one isolate has learnt, shared by its requests. */
export class DatabaseMemory {
  readonly replica = new Replica();
  readonly cache: QueryCache;
  readonly random: () => number;
  #added: { readonly host: string; readonly replica: Replica } | null = null;
  readonly #statements = new Map<string, Statement>();
  #room: { readonly room: number; readonly atMs: number } | null = null;
  #askingRoomUntilMs = 0;

  constructor(random: () => number) {
    this.cache = new QueryCache(random);
    this.random = random;
  }

  /** What is known of the replica that was added last; of another host nothing is known yet. */
  added(host: string): Replica {
    if (this.#added?.host !== host) this.#added = { host, replica: new Replica() };
    return this.#added.replica;
  }

  statement(text: string): Statement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = statementOf(text);
    this.#remember(text, statement);
    return statement;
  }

  /** It looked like a read, and the database said that it writes. */
  learnWrite(text: string): void {
    this.#remember(text, "write");
  }

  #remember(text: string, statement: Statement): void {
    if (this.#statements.size < STATEMENTS_MAX || this.#statements.has(text)) {
      this.#statements.set(text, statement);
    }
  }

  /** The server's room for connections; null until it is known. Asked in the background. */
  room(primary: Sql, waitUntil: WaitUntil): number | null {
    const nowMs = Date.now();
    const isFresh = this.#room !== null && nowMs - this.#room.atMs < ROOM_FRESH_MS;
    if (!isFresh && nowMs >= this.#askingRoomUntilMs) {
      this.#askingRoomUntilMs = nowMs + 5_000;
      waitUntil(this.#askRoom(primary));
    }
    return this.#room?.room ?? null;
  }

  async #askRoom(primary: Sql): Promise<void> {
    const answer = await primary.query(SERVER_ROOM).catch(() => []); // Asked again by a later request.
    const read = serverRoom(answer[0]);
    if (read.ok) this.#room = { room: read.value.room, atMs: Date.now() };
  }
}

export type DatabaseDeps = {
  readonly connections: Connections;
  readonly memory: DatabaseMemory;
  /** What is asked for this request's session, from memory. */
  readonly asked: () => Asked;
  /** When this session last wrote, as its cookie says; null for never. */
  readonly wroteAtMs: number | null;
  readonly waitUntil: WaitUntil;
  /** Told of every query that is asked, and of every one that fails. */
  readonly watch: QueryWatch;
};

export type QueryWatch = {
  readonly asked: () => void;
  readonly failed: (error: unknown) => void;
};

type Reader = { readonly sql: Sql; readonly known: Replica };

export class Database {
  readonly #deps: DatabaseDeps;
  #wroteAtMs: number | null;
  /** To the replica that was added last; null where it is none of the primary's siblings. */
  #connected: { readonly host: string; readonly sql: Sql | null } | null = null;

  constructor(deps: DatabaseDeps) {
    this.#deps = deps;
    // Visitors hold the cookie: a time that is yet to come is not one.
    this.#wroteAtMs = deps.wroteAtMs === null ? null : Math.min(deps.wroteAtMs, Date.now());
  }

  /** When this session last wrote, for its cookie; null for never. */
  get wroteAtMs(): number | null {
    return this.#wroteAtMs;
  }

  /** As a template tag: `` await db.sql`SELECT … WHERE id = ${id}` ``. Runs at once; values are parameters, never text. */
  readonly sql = (strings: TemplateStringsArray, ...params: readonly unknown[]) =>
    this.query(
      strings.reduce((text, part, index) => `${text}$${index}${part}`),
      params,
    );

  /** The rows; throws what the driver throws. */
  query(text: string, params: readonly unknown[] = [], options: QueryOptions = {}): Promise<Row[]> {
    return this.#watched(() => this.#query(text, params, options));
  }

  async #watched<T>(ask: () => Promise<T>): Promise<T> {
    const { watch } = this.#deps;
    watch.asked();
    try {
      return await ask();
    } catch (error) {
      watch.failed(error);
      throw error;
    }
  }

  async #query(text: string, params: readonly unknown[], options: QueryOptions): Promise<Row[]> {
    const { memory } = this.#deps;
    const asked = this.#deps.asked();
    const timeoutMs = asked["statement-timeout"]?.timeoutMs ?? null;
    const statement = memory.statement(text);
    if (statement === "write") return this.#write({ text, params, timeoutMs });
    if (statement === "utility") return this.#write({ text, params, timeoutMs: null });

    const isShared = statement === "read" && options.cache !== false;
    const key = isShared ? this.#cacheKey(asked, text, params) : null;
    // What is kept for others must be a read, not look like one: the database refuses whatever else it is.
    const run: Run = { text, params, timeoutMs, readOnly: key !== null };
    const ask = () => this.#read(run, asked, options);
    try {
      if (key === null) return [...(await ask())];
      const lookup = { key: key.text, notBeforeMs: this.#notBeforeMs(asked), ask };
      const { waitUntil } = this.#deps;
      return [...(await memory.cache.rows(lookup, { ...key, waitUntil }))];
    } catch (error) {
      if (sqlStateOf(error) !== READ_ONLY) throw error;
      memory.learnWrite(text);
      return this.#write({ text, params, timeoutMs });
    }
  }

  /** Where the result is kept and on what terms; null when it is not. */
  #cacheKey(asked: Asked, text: string, params: readonly unknown[]) {
    const { store, namespace } = this.#deps.connections;
    const terms = asked["query-cache"];
    if (terms === null || store === null) return null;
    const key = keyOf(namespace, text, params);
    return key === null ? null : { text: key, store, terms };
  }

  /** Several queries as one transaction, on the primary (in a failover on the replica, which refuses writes). `build` must not wait for anything. */
  async transaction(
    build: (sql: NeonQueryFunctionInTransaction<false, false>) => readonly NeonQueryInTransaction[],
  ): Promise<Row[][]> {
    const asked = this.#deps.asked();
    const target = this.#target(asked);
    const timeoutMs = asked["statement-timeout"]?.timeoutMs ?? null;
    return this.#watched(() =>
      this.#writing(async () => {
        if (timeoutMs === null) return target.transaction((sql) => [...build(sql)]);
        const [, ...results] = await target.transaction((sql) => [
          sql.query(...limitTime(timeoutMs)),
          ...build(sql),
        ]);
        return results;
      }),
    );
  }

  /** Settings for a new `Pool` on the primary; `own` are production's. */
  pool(own: PoolSettings): PoolSettings {
    const asked = this.#deps.asked()["pool-size"];
    if (asked === null) return own;
    const { connections, memory, waitUntil } = this.#deps;
    return poolSettings(own, asked, memory.room(connections.primary, waitUntil));
  }

  /** What everything is asked of; in a failover there is nothing else, whatever a query would rather read from. */
  #target({ failover }: Asked): Sql {
    const { primary, replica } = this.#deps.connections;
    return failover !== null && replica !== null ? replica : primary;
  }

  #write(run: Run): Promise<Row[]> {
    const target = this.#target(this.#deps.asked());
    return this.#writing(async () => [...(await runOn(target, run))]);
  }

  /** A write that failed may have happened all the same. */
  async #writing<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } finally {
      this.#wroteAtMs = Date.now();
    }
  }

  async #read(run: Run, asked: Asked, options: QueryOptions): Promise<readonly Row[]> {
    const { primary } = this.#deps.connections;
    const target = this.#target(asked);
    if (target !== primary) return runOn(target, run);
    const readers = options.replica === false ? [] : this.#readers(asked);
    // Where there are two, one that was added relieves the other as well.
    const reader = readers[Math.floor(this.#deps.memory.random() * readers.length)];
    if (reader === undefined) return runOn(primary, run);
    try {
      return await runOn(reader.sql, run);
    } catch (error) {
      const meaning = meaningOf(error);
      if (meaning === "same" || meaning === "writes") throw error;
      if (meaning === "trouble") reader.known.rest();
      return runOn(primary, run);
    }
  }

  /** Where a read may go now instead of the primary. */
  #readers({ "replica-reads": routed, "added-replica": added }: Asked): readonly Reader[] {
    const { connections, memory, waitUntil } = this.#deps;
    const { primary, replica } = connections;
    const besides = added === null ? null : this.#besides(added.host);
    return [
      ...(routed === null || replica === null
        ? []
        : [{ ...routed, sql: replica, known: memory.replica }]),
      ...(added === null || besides === null
        ? []
        : [{ ...added, sql: besides, known: memory.added(added.host) }]),
    ].filter(
      ({ sql, known, maxLagMs, readYourWritesMs }) =>
        !this.#wroteWithin(readYourWritesMs) &&
        known.fitness({ primary, replica: sql }, maxLagMs, waitUntil) === "fit",
    );
  }

  #besides(host: string): Sql | null {
    const { beside } = this.#deps.connections;
    if (beside === undefined) return null;
    if (this.#connected?.host !== host) {
      const url = besidePrimary(beside.url, host);
      this.#connected = { host, sql: url === null ? null : beside.connect(url) };
    }
    return this.#connected.sql;
  }

  /** What others read before this is of no use to a session that wrote: it may have come from a replica that had not heard of it. */
  #notBeforeMs(asked: Asked): number | null {
    const windowMs = Math.max(
      asked["replica-reads"]?.readYourWritesMs ?? 0,
      asked["added-replica"]?.readYourWritesMs ?? 0,
    );
    return this.#wroteAtMs === null ? null : this.#wroteAtMs + windowMs;
  }

  #wroteWithin(ms: number): boolean {
    return this.#wroteAtMs !== null && Date.now() - this.#wroteAtMs < ms;
  }
}
