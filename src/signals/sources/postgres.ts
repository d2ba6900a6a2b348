/** Can the database be reached, and how fast does it answer? */
import { pingSignal, STORE_DEADLINE_MS, STORE_EVERY_MS, storeAnswers } from "./store.ts";
import { answerAll, defineSource } from "../source.ts";

const emits = ["postgres.reachable_ratio", "postgres.latency_ms"] as const;

export const postgres = defineSource({
  id: "postgres",
  emits,
  everyMs: STORE_EVERY_MS,
  busyEvery: "stores_every",
  deadlineMs: STORE_DEADLINE_MS,

  async poll(context) {
    if (context.postgres === null) {
      return answerAll(emits, { unknown: "not_configured", detail: "POSTGRES_URL is not set" });
    }
    const answers = storeAnswers(await context.postgres.ping(pingSignal(context.signal)));
    return {
      "postgres.reachable_ratio": answers.reachable,
      "postgres.latency_ms": answers.latency,
    };
  },
});
