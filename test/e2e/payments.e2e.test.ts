/** The payments gameday, as CI's proof of playbook 5: the provider fails in each of its ways. */
import { it } from "vitest";
import { losesAnswers } from "../../gamedays/payment-providers.ts";
import { runGameday } from "./gameday.ts";

/** What the gameday must judge at least; one that forgets to look would always be green. */
const JUDGED = [
  "completed",
  "detected",
  "harm",
  "switched",
  "helped",
  "backup",
  "only-trials-wait",
  "orders-refused",
  "orders-lost",
  "orders-doubled",
  "reconciled",
  "back",
  "taken-back",
  "post-mortem",
  "paged",
  "rung",
  "chat",
  "ticket",
  "elsewhere",
  "public",
];
/** Alone each takes about 55 s; two share the machine. */
const TOOK_MS_MAX = 110_000;

// Two at a time: they are judged by the books, and hardly anything of them is work for this machine.
it.concurrent.for(["5xx", "timeout", "garbage", "half"])(
  "by %s: payments go to the second provider and back, none refused, lost or doubled",
  async (variant, { expect }) => {
    const { report, exitCode, output } = await runGameday(["payments", "--variant", variant]);
    expect(
      report.expectations.filter(({ ok }) => !ok),
      output,
    ).toEqual([]);
    expect(exitCode).toBe(0);
    const judged = losesAnswers(variant) ? [...JUDGED, "unheard-once"] : JUDGED;
    expect(report.expectations.map(({ id }) => id)).toEqual(expect.arrayContaining(judged));
    expect(report.tookMs).toBeLessThan(TOOK_MS_MAX);
    const of = (phase: string) => report.phases.find((count) => count.phase === phase);
    expect(of("calm")).toMatchObject({ failed: 0, refused: 0, broken: 0 });
    expect(of("switched")?.served).toBeGreaterThan(0);
    expect(report.postmortem).toContain("switch-payment-provider");
  },
);
