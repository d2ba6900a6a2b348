/**
 * Drops production's keys under one prefix, a batch at a time and each act's once: how far it is, and that it is done, is a key of its own that
 * is written in one transaction with every batch, so that whoever goes on begins where the last one stopped. Keys leave Redis only to
 * be named in the same breath; none is in an error or a log.
 */
import type { Redis as Upstash } from "@upstash/redis/cloudflare";
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { errorName } from "./error-name.ts";
import { redisDriver, type RedisConfig } from "./redis.ts";

/** Keys that Redis looks at in one request; it may name a few more. */
export const SCAN_COUNT = 5_000;
/** In one go; with more keys than that the next goes on. */
export const BATCHES_MAX = 50;
/** After which no batch is begun: below every deadline, so that how far it came is still told. */
const GO_MS_MAX = 8_000;
/** How long it is remembered that it was done. */
const REMEMBERED_SECONDS = 7 * 86_400;
const BEGINNING = "0";

/** `isAll`: there are no more. `inRedis` are all keys that there are. */
export type Counted = { readonly keys: number; readonly isAll: boolean; readonly inRedis: number };
/** `isDone`: every key that was there when it began is gone. */
export type Dropped = { readonly keys: number; readonly isDone: boolean };

export type RedisWriter = {
  /** Changes nothing. `prefix` has no character that means something in a pattern. */
  readonly count: (prefix: string, signal: AbortSignal) => Promise<Result<Counted, Failure>>;
  /** Drops what is left to drop under the prefix for `id`, as far as it comes. */
  readonly drop: (
    job: { readonly id: string; readonly prefix: string },
    signal: AbortSignal,
  ) => Promise<Result<Dropped, Failure>>;
  /** How far that is; null: it was not begun. */
  readonly dropped: (id: string, signal: AbortSignal) => Promise<Result<Dropped | null, Failure>>;
};

const page = z.tuple([z.coerce.string(), z.array(z.string())]);
/** Where the next batch begins, and how many keys are gone. */
const marker = z.templateLiteral([z.string(), " ", z.int()]).nullable();

export function createRedisWriter(config: RedisConfig): RedisWriter {
  return {
    count: (prefix, signal) =>
      asking(config, signal, async (redis) => {
        const inRedis = await redis.dbsize();
        const isInTime = goes();
        let [keys, cursor] = [0, BEGINNING];
        while (isInTime()) {
          const [next, found] = await scan(redis, prefix, cursor);
          keys += found.length;
          if (next === BEGINNING) return { keys, isAll: true, inRedis };
          cursor = next;
        }
        return { keys, isAll: false, inRedis };
      }),

    drop: ({ id, prefix }, signal) =>
      asking(config, signal, async (redis) => {
        const begun = await read(redis, id);
        if (begun?.isDone === true) return { keys: begun.keys, isDone: true };
        let [keys, cursor] = [begun?.keys ?? 0, begun?.cursor ?? BEGINNING];
        const isInTime = goes();
        while (isInTime()) {
          const [next, found] = await scan(redis, prefix, cursor);
          keys += found.length;
          const isDone = next === BEGINNING;
          await unlink(redis, found, { id, keys, cursor: isDone ? DONE : next });
          if (isDone) return { keys, isDone };
          cursor = next;
        }
        return { keys, isDone: false };
      }),

    dropped: (id, signal) => asking(config, signal, (redis) => read(redis, id)),
  };
}

/** Whether another batch of this go may be begun. */
function goes(): () => boolean {
  const untilMs = Date.now() + GO_MS_MAX;
  let batches = 0;
  return () => {
    batches += 1;
    return batches <= BATCHES_MAX && Date.now() < untilMs;
  };
}

const DONE = "done";
const markerOf = (id: string): string => `firebreak:dropped:${id}`;

const scan = async (redis: Upstash, prefix: string, cursor: string) =>
  page.parse(await redis.scan(cursor, { match: `${prefix}*`, count: SCAN_COUNT }));

async function read(redis: Upstash, id: string) {
  const found = marker.parse(await redis.get(markerOf(id)));
  if (found === null) return null;
  const [cursor = BEGINNING, keys] = found.split(" ");
  return { keys: Number(keys), cursor, isDone: cursor === DONE };
}

async function unlink(
  redis: Upstash,
  found: readonly string[],
  { id, keys, cursor }: { readonly id: string; readonly keys: number; readonly cursor: string },
): Promise<void> {
  const whole = redis.multi();
  if (found.length > 0) whole.unlink(...found);
  whole.set(markerOf(id), `${cursor} ${keys}`, { ex: REMEMBERED_SECONDS });
  await whole.exec();
}

/** What did not answer may have been done. The driver's message decides and goes no further, for it quotes keys. */
async function asking<T>(
  config: RedisConfig,
  signal: AbortSignal,
  ask: (redis: Upstash) => Promise<T>,
): Promise<Result<T, Failure>> {
  try {
    return ok(await ask(redisDriver(config, signal)));
  } catch (error) {
    return err(failureOf(error, signal));
  }
}

function failureOf(error: unknown, signal: AbortSignal): Failure {
  if (signal.aborted) {
    return { class: "unknown_outcome", detail: "Redis gave no answer within the deadline" };
  }
  const { name, message } = error instanceof Error ? error : { name: "", message: "" };
  if (name === "UrlError") return { class: "refuse", detail: "REDIS_URL is not an http(s) URL" };
  if (name === "UpstashError" && REFUSED.test(message)) {
    return { class: "refuse", detail: "Redis refused REDIS_ACTS_TOKEN" };
  }
  if (name === "UpstashError" && OVER_LIMIT.test(message)) {
    return { class: "retry", detail: "Redis takes no more requests for now" };
  }
  return { class: "unknown_outcome", detail: `Redis did not answer: ${errorName(error)}` };
}

const REFUSED = /unauthorized|WRONGPASS|NOAUTH|NOPERM/i;
const OVER_LIMIT = /max .{0,40}limit exceeded/i;
