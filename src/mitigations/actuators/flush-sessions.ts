/**
 * Drops the sessions that production keeps in Redis, all of them: for what reads them there and does not ask the SDK whether they still count.
 * Nothing outside the prefix that `site.yaml` names is touched. Who signs in meanwhile may have to do it again.
 */
import { z } from "zod";
import type { Failure } from "../../incidents/journal.ts";
import type { Dropped, RedisWriter } from "../../platform/redis-writer.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { defineAct, type Done, type Reach } from "../actuator.ts";

/** For finding out and doing together, below what the engine gives one attempt. */
const [LOOK_MS_MAX, CALL_MS_MAX] = [4_000, 14_000];

const options = z.strictObject({});
const judged = z.object({ prefix: z.string() });

export const flushSessions = defineAct({
  id: "flush-sessions",
  kind: "act",
  options,
  judged,
  traits: { siteWide: false },
  plan: () => ({ siteWide: false, touches: "every session that production keeps in Redis" }),
  missing(reach) {
    const sessions = sessionsIn(reach);
    return sessions.ok ? null : sessions.error.detail;
  },

  async judge(_act, reach) {
    const sessions = sessionsIn(reach);
    if (!sessions.ok) return sessions;
    const { prefix, writer } = sessions.value;
    const counted = await writer.count(prefix, deadline(CALL_MS_MAX));
    if (!counted.ok) return counted;
    const { keys, isAll, inRedis } = counted.value;
    if (keys === 0 && isAll) return refuse(`Redis has no key that begins with ${prefix}`);
    const many = isAll ? String(keys) : `at least ${keys}`;
    return ok({
      judged: { prefix },
      says: `drop ${many} of the ${inRedis} keys in Redis, those that begin with "${prefix}": everybody whose session is there signs in again`,
    });
  },

  async perform({ id, judged: before }, reach) {
    const sessions = sessionsIn(reach);
    if (!sessions.ok) return sessions;
    const { prefix, writer } = sessions.value;
    if (prefix !== before.prefix) {
      return refuse("site.yaml names another prefix than the one that was judged");
    }
    const dropped = await writer.drop({ id, prefix }, deadline(CALL_MS_MAX));
    if (!dropped.ok) return dropped;
    const detail = `${dropped.value.keys} keys are gone so far; it goes on from there`;
    return dropped.value.isDone
      ? ok(doneBy(dropped.value, prefix))
      : // Part of it is done: when nobody goes on, it must not be said that nothing was.
        err({ class: "unknown_outcome", detail });
  },

  async confirm({ id, judged: { prefix } }, reach) {
    const sessions = sessionsIn(reach);
    if (!sessions.ok) return sessions;
    const found = await sessions.value.writer.dropped(id, deadline(LOOK_MS_MAX));
    if (!found.ok) return found;
    return found.value?.isDone === true
      ? ok({ done: true, ...doneBy(found.value, prefix) })
      : ok({ done: false });
  },
});

const deadline = (ms: number): AbortSignal => AbortSignal.timeout(ms);

const doneBy = ({ keys }: Dropped, prefix: string): Done => ({
  says: `dropped ${keys} keys that began with ${prefix} from Redis`,
  receipt: { keys, prefix },
});

type Sessions = { readonly prefix: string; readonly writer: RedisWriter };

const NOT_DECLARED = "site.yaml declares no sessions.redis_prefix";
const NO_TOKEN = "REDIS_ACTS_TOKEN is not set, or REDIS_URL is not";

function sessionsIn({ sessions }: Reach): Result<Sessions, Failure> {
  if (sessions === null) return refuse(NOT_DECLARED);
  const { prefix, writer } = sessions;
  return writer === null ? refuse(NO_TOKEN) : ok({ prefix, writer });
}

const refuse = (detail: string): Result<never, Failure> => err({ class: "refuse", detail });
