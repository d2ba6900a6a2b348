/** Can Redis be reached, and how fast does it answer? */
import { pingSignal, STORE_DEADLINE_MS, STORE_EVERY_MS, storeAnswers } from "./store.ts";
import { answerAll, defineSource } from "../source.ts";

const emits = ["redis.reachable_ratio", "redis.latency_ms"] as const;

export const redis = defineSource({
  id: "redis",
  emits,
  everyMs: STORE_EVERY_MS,
  busyEvery: "stores_every",
  deadlineMs: STORE_DEADLINE_MS,

  async poll(context) {
    if (context.redis === null) {
      return answerAll(emits, {
        unknown: "not_configured",
        detail: "REDIS_URL or REDIS_TOKEN is not set",
      });
    }
    const answers = storeAnswers(await context.redis.ping(pingSignal(context.signal)));
    return { "redis.reachable_ratio": answers.reachable, "redis.latency_ms": answers.latency };
  },
});
