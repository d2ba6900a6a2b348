/** What is promised falls due once, and what is drafted for the public is fit for it. */
import { describe, it } from "vitest";
import { draftUpdate, REMINDERS_MAX, updateDueAtMs } from "../../../src/incidents/update-clock.ts";
import { REACH_MS, unreachedAtMs } from "../../../src/incidents/escalation.ts";
import { publicStatus } from "../../../src/incidents/public.ts";
import { privateIn } from "../../../src/shared/private.ts";
import { Drive, DOWN, ENFORCED, SMALL_OUTAGE, T0, WELL } from "../../support/incident.ts";

const MINUTE = 60_000;
const EVERY = 30 * MINUTE;

describe("the next update", () => {
  it("is due so long after the last, which a person's is as well", ({ expect }) => {
    const incident = new Drive().open();
    expect(updateDueAtMs(incident.state, EVERY)).toBe(T0 + EVERY);
    incident.after(10 * MINUTE).do("publish", { message: "Soon.", status: null, component: null });
    expect(updateDueAtMs(incident.state, EVERY)).toBe(T0 + 10 * MINUTE + EVERY);
  });

  it("is due of nothing that is over, that wakes nobody, or that nobody promised", ({ expect }) => {
    const incident = new Drive().open();
    expect(updateDueAtMs(incident.state, null)).toBeNull();
    incident.do("set_severity", { severity: "SEV-3", why: "small" });
    expect(updateDueAtMs(incident.state, EVERY)).toBeNull();
    incident.do("set_severity", { severity: "SEV-1", why: "large" });
    expect(updateDueAtMs(incident.state, EVERY)).not.toBeNull();
    expect(updateDueAtMs({ ...incident.state, reminders: REMINDERS_MAX }, EVERY)).toBeNull();
    incident.do("resolve", { why: "over" });
    expect(updateDueAtMs(incident.state, EVERY)).toBeNull();
  });

  it("is drafted from what changed, in words that everybody may read", ({ expect }) => {
    const incident = new Drive(SMALL_OUTAGE).open();
    const drafts = [draftUpdate(incident.state, EVERY)];
    incident.after(1_000).see(DOWN);
    incident.settle();
    incident.after(1_000).see(ENFORCED);
    drafts.push(draftUpdate(incident.state, EVERY));
    incident.after(MINUTE).see(WELL);
    drafts.push(draftUpdate(incident.state, EVERY));
    expect(drafts[0]).toBe(
      "We are still looking into it. Nothing has changed since the last update. The next update follows within 30m.",
    );
    expect(new Set(drafts).size).toBeGreaterThan(1);
    expect(drafts.map(privateIn)).toEqual(drafts.map(() => null));
  });

  it("says that it works again only once it has been seen to", ({ expect }) => {
    const { state } = new Drive().open();
    const monitored = { ...state, updates: [], status: "monitoring" } as const;
    expect(draftUpdate(monitored, EVERY)).toMatch(/^Measures are in place/);
    expect(draftUpdate({ ...monitored, recoveredSinceMs: T0 }, EVERY)).toMatch(
      /^It works normally/,
    );
  });

  it("of what came back is not that it is over", ({ expect }) => {
    const over = [
      { seq: 1, atMs: T0, status: "resolved", message: null, component: null },
    ] as const;
    expect(publicStatus(over, "resolved")).toBe("resolved");
    expect(publicStatus(over, "reopened")).toBe("investigating");
  });
});

describe("that nobody was reached", () => {
  it("is said so long after somebody was first to be woken, not after it opened", ({ expect }) => {
    const incident = new Drive().open();
    const channels = ["pager"];
    expect(unreachedAtMs(incident.state, channels)).toBe(T0 + REACH_MS);
    incident.do("set_severity", { severity: "SEV-3", why: "small" });
    expect(unreachedAtMs(incident.state, channels)).toBeNull();
    incident.after(10 * MINUTE).do("set_severity", { severity: "SEV-1", why: "large" });
    expect(unreachedAtMs(incident.state, channels)).toBe(T0 + 10 * MINUTE + REACH_MS);
    incident.after(MINUTE).do("set_severity", { severity: "SEV-2", why: "less" });
    expect(unreachedAtMs(incident.state, channels)).toBe(T0 + 10 * MINUTE + REACH_MS);
  });
});
