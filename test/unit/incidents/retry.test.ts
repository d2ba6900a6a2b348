import fc from "fast-check";
import { describe, it } from "vitest";
import {
  afterFailure,
  ASKED_WAIT_MS_MAX,
  ATTEMPTS_MAX,
  BACKOFF_BASE_MS,
  BACKOFF_MS_MAX,
} from "../../../src/incidents/retry.ts";

const failed = {
  failure: { class: "retry", detail: "down" },
  attempts: 1,
  deadlineMs: 1_000_000,
  nowMs: 0,
  jitter: 1,
} as const;

describe("a failed effect", () => {
  it.for([
    { attempts: 1, dueAtMs: BACKOFF_BASE_MS * 2 },
    { attempts: 2, dueAtMs: BACKOFF_BASE_MS * 4 },
    { attempts: 20, dueAtMs: BACKOFF_MS_MAX },
    { attempts: ATTEMPTS_MAX - 1, dueAtMs: BACKOFF_MS_MAX },
  ])("waits at most $dueAtMs ms after attempt $attempts", ({ attempts, dueAtMs }, { expect }) => {
    expect(afterFailure({ ...failed, attempts })).toEqual({ answer: "again", dueAtMs });
  });

  it.for([
    { why: "attempts", changes: { attempts: ATTEMPTS_MAX } },
    { why: "deadline", changes: { deadlineMs: BACKOFF_BASE_MS * 2 - 1 } },
    { why: "refused", changes: { failure: { class: "refuse", detail: "never" } } },
  ] as const)("is given up: $why", ({ why, changes }, { expect }) => {
    expect(afterFailure({ ...failed, ...changes })).toEqual({ answer: "give_up", why });
  });

  it.for([
    { afterMs: 30_000, dueAtMs: 30_000 + BACKOFF_BASE_MS * 2 },
    { afterMs: ASKED_WAIT_MS_MAX + 1, dueAtMs: ASKED_WAIT_MS_MAX + BACKOFF_BASE_MS * 2 },
  ])("waits for as long as it is asked to, within reason: $afterMs", (asked, { expect }) => {
    const failure = { class: "retry", detail: "busy", afterMs: asked.afterMs } as const;
    expect(afterFailure({ ...failed, failure })).toEqual({
      answer: "again",
      dueAtMs: asked.dueAtMs,
    });
    const early = { ...failed, failure, jitter: 0 };
    const atOnce = afterFailure(early);
    expect(atOnce).toMatchObject({ answer: "again" });
    expect(atOnce.answer === "again" && atOnce.dueAtMs).toBeGreaterThanOrEqual(
      Math.min(asked.afterMs, ASKED_WAIT_MS_MAX),
    );
  });

  it("may be tried at the very deadline", ({ expect }) => {
    const dueAtMs = BACKOFF_BASE_MS * 2;
    expect(afterFailure({ ...failed, deadlineMs: dueAtMs })).toEqual({ answer: "again", dueAtMs });
  });

  it("is never due now, nor later than the longest backoff", ({ expect }) => {
    const jitter = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: ATTEMPTS_MAX - 1 }), jitter, (attempts, drawn) => {
        const answer = afterFailure({ ...failed, attempts, jitter: drawn });
        const dueAtMs = answer.answer === "again" ? answer.dueAtMs : 0;
        expect(dueAtMs).toBeGreaterThanOrEqual(1);
        expect(dueAtMs).toBeLessThanOrEqual(BACKOFF_MS_MAX);
      }),
    );
  });
});
