/** Keys, their values and their expiry, as Redis keeps them: one keyspace, a type per key, gone when expired. */

export type Value =
  | { readonly kind: "string"; text: string }
  | { readonly kind: "list"; readonly items: string[] }
  | { readonly kind: "hash"; readonly fields: Map<string, string> }
  | { readonly kind: "set"; readonly members: Set<string> };
export type Kind = Value["kind"];
type Of<K extends Kind> = Extract<Value, { kind: K }>;

/** What Redis would answer as `-<message>`. */
export class RedisError extends Error {}

export const KEYS_MAX = 100_000;

export class Store {
  readonly #entries = new Map<string, { readonly value: Value; expiresAtMs: number | null }>();
  /** The time of the command that runs. */
  nowMs = 0;

  get size(): number {
    return this.keys().length;
  }

  keys(): readonly string[] {
    return [...this.#entries.keys()].filter((key) => this.#live(key) !== undefined);
  }

  kindOf(key: string): Kind | undefined {
    return this.#live(key)?.value.kind;
  }

  /** The value, or undefined when there is none. @throws {RedisError} WRONGTYPE when it is of another kind. */
  find<K extends Kind>(key: string, kind: K): Of<K> | undefined {
    const value = this.#live(key)?.value;
    if (value === undefined) return undefined;
    if (!isOf(value, kind)) {
      throw new RedisError("WRONGTYPE Operation against a key holding the wrong kind of value");
    }
    return value;
  }

  /** The value, made when there is none. */
  findOrPut<K extends Kind>(key: string, kind: K, empty: Of<K>): Of<K> {
    const found = this.find(key, kind);
    if (found !== undefined) return found;
    this.put(key, empty, null);
    return empty;
  }

  put(key: string, value: Value, expiresAtMs: number | null): void {
    if (this.#entries.size >= KEYS_MAX && !this.#entries.has(key)) {
      throw new RedisError("OOM command not allowed when used memory > 'maxmemory'.");
    }
    this.#entries.set(key, { value, expiresAtMs });
  }

  delete(key: string): boolean {
    return this.#live(key) !== undefined && this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  expiresAtMs(key: string): number | null | undefined {
    return this.#live(key)?.expiresAtMs;
  }

  /** False when there is no such key. */
  expireAt(key: string, atMs: number | null): boolean {
    const entry = this.#live(key);
    if (entry === undefined) return false;
    entry.expiresAtMs = atMs;
    return true;
  }

  /** A collection without members is no key. */
  dropIfEmpty(key: string, count: number): void {
    if (count === 0) this.#entries.delete(key);
  }

  #live(key: string) {
    const entry = this.#entries.get(key);
    if (entry?.expiresAtMs === undefined || entry.expiresAtMs === null) return entry;
    if (entry.expiresAtMs > this.nowMs) return entry;
    this.#entries.delete(key);
    return undefined;
  }
}

const isOf = <K extends Kind>(value: Value, kind: K): value is Of<K> => value.kind === kind;

/** Reads an integer argument as Redis does. */
export function integer(text: string): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new RedisError("ERR value is not an integer or out of range");
  }
  return value;
}
