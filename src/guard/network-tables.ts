/**
 * Fetches the table that a policy names: from the location's cache, else from the policy's object. What comes is not believed:
 * its size, its sha256 and all that read-ip-set.ts looks at come before it is anybody's. A table that cannot be had is asked for
 * less and less often, and never holds up the policy.
 */
import { within } from "./deadline.ts";
import { sha256Of } from "./digest.ts";
import { readIpSet, type BlobRefusal } from "./ip/read-ip-set.ts";
import type { ListedNetworks } from "./loaded-policy.ts";
import { Slots } from "./slots.ts";
import type { NetworksBlob } from "../policy/blobs.ts";
import { err, ok, type Result } from "../shared/result.ts";

/** Requests of one isolate that fetch at a time: a table may have tens of megabytes. */
export const TABLE_READS_MAX = 2;
export const TABLE_DEADLINE_MS = 2_000;
export const TABLE_RETRY_MS = 1_000;
export const TABLE_RETRY_MS_MAX = 30_000;

export type TableSources = {
  readonly fromCache: (sha256: string) => Promise<ArrayBuffer | null>;
  /** The object's answer as it came over the wire. */
  readonly fromObject: (sha256: string) => Promise<unknown>;
  /** Told of each table that the object gave; keeping it is for later. */
  readonly toCache: (sha256: string, bytes: ArrayBuffer) => void;
  /** Told why a table was not taken. */
  readonly onRefusal: (why: string) => void;
};

export class NetworkTables {
  readonly #sources: TableSources;
  readonly #reads = new Slots(TABLE_READS_MAX);
  #failing: { readonly sha256: string; readonly count: number; readonly untilMs: number } | null =
    null;

  constructor(sources: TableSources) {
    this.#sources = sources;
  }

  /** The verified table; null when it cannot be had now. Never throws. */
  async fetch(wanted: NetworksBlob): Promise<ListedNetworks | null> {
    const nowMs = Date.now();
    const untilMs = nowMs + TABLE_DEADLINE_MS;
    if (this.isQuiet(wanted, nowMs) || !this.#reads.take(nowMs, untilMs)) return null;
    const fetching = this.#fetchFromEither(wanted);
    const fetched = await within(fetching, TABLE_DEADLINE_MS, LATE).catch((): typeof LATE => LATE);
    this.#reads.give(untilMs);
    return fetched === LATE ? this.#failed(wanted.sha256, "late") : fetched;
  }

  /** It failed a moment ago, and is not asked for until a while has passed. */
  isQuiet({ sha256 }: NetworksBlob, nowMs: number): boolean {
    return this.#failing?.sha256 === sha256 && nowMs < this.#failing.untilMs;
  }

  async #fetchFromEither(wanted: NetworksBlob): Promise<ListedNetworks | null> {
    const { sha256 } = wanted;
    const cached = await this.#sources.fromCache(sha256).catch(() => null);
    if (cached !== null) {
      const read = await tableOf(cached, wanted);
      if (read.ok) return this.#found(read.value);
      this.#sources.onRefusal(`the location's copy: ${read.error}`);
    }
    const answered = await this.#sources.fromObject(sha256).catch(() => null);
    const bytes = bytesOf(answered);
    const read = bytes === null ? err("missing" as const) : await tableOf(bytes, wanted);
    if (bytes === null || !read.ok) return this.#failed(sha256, read.ok ? "missing" : read.error);
    this.#sources.toCache(sha256, bytes);
    return this.#found(read.value);
  }

  #found(table: ListedNetworks): ListedNetworks {
    this.#failing = null;
    return table;
  }

  #failed(sha256: string, why: TableRefusal): null {
    const count = this.#failing?.sha256 === sha256 ? this.#failing.count + 1 : 0;
    const pauseMs = Math.min(TABLE_RETRY_MS * 2 ** count, TABLE_RETRY_MS_MAX);
    this.#failing = { sha256, count, untilMs: Date.now() + pauseMs };
    this.#sources.onRefusal(`the object's answer: ${why}`);
    return null;
  }
}

const LATE: unique symbol = Symbol("late");

type TableRefusal = BlobRefusal | "missing" | "late" | "wrong_sha256";

async function tableOf(
  bytes: ArrayBuffer,
  { sha256, bytes: length }: NetworksBlob,
): Promise<Result<ListedNetworks, TableRefusal>> {
  if (bytes.byteLength !== length) return err("wrong_length");
  if ((await sha256Of(bytes)) !== sha256) return err("wrong_sha256");
  const set = readIpSet(bytes, "known");
  return set.ok ? ok({ sha256, set: set.value }) : set;
}

/** A table is laid over a buffer of its own, from its first byte. */
function bytesOf(answer: unknown): ArrayBuffer | null {
  if (answer instanceof ArrayBuffer) return answer;
  if (!(answer instanceof Uint8Array)) return null;
  const { buffer, byteOffset, byteLength } = answer;
  const isWhole =
    buffer instanceof ArrayBuffer && byteOffset === 0 && buffer.byteLength === byteLength;
  return isWhole ? buffer : Uint8Array.from(answer).buffer;
}
