import fc from "fast-check";
import { describe, it } from "vitest";
import type { Alert } from "../../../src/alerts/alert.ts";
import { BUNDLED_MAX, bundlesIn } from "../../../src/alerts/bundled.ts";
import {
  countAlerts,
  EMPTY_INBOX,
  INBOX_MAX,
  receiveAlerts,
  RESOLVED_KEEP_MS,
  STALE_AFTER_MS,
  type Inbox,
} from "../../../src/alerts/inbox.ts";

const START_MS = Date.UTC(2026, 10, 23, 12);

const anAlert = (given: Partial<Alert> = {}): Alert => ({
  source: "alertmanager",
  fingerprint: "a1",
  status: "firing",
  title: "API errors",
  severity: "SEV-2",
  startsAtMs: START_MS,
  endsAtMs: null,
  labels: {},
  url: null,
  ...given,
});

/** The inbox after these deliveries, one second apart. */
const after = (...deliveries: readonly Alert[][]): Inbox =>
  deliveries.reduce(
    (inbox, alerts, n) => receiveAlerts(inbox, alerts, START_MS + n * 1_000).inbox,
    EMPTY_INBOX,
  );

describe("receiveAlerts", () => {
  it("takes a repetition for a sign of life, not for news", ({ expect }) => {
    const reception = receiveAlerts(after([anAlert()]), [anAlert()], START_MS + 60_000);
    expect(reception).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(reception.inbox.alerts).toMatchObject([
      { ...anAlert(), heardAtMs: START_MS + 60_000, changesAtMs: [START_MS] },
    ]);
  });

  it("takes one that has got worse for news, and one that got better for none", ({ expect }) => {
    const held = after([anAlert({ severity: "SEV-3" })]);
    expect(receiveAlerts(held, [anAlert({ severity: "SEV-1" })], START_MS + 1)).toMatchObject({
      accepted: 1,
    });
    expect(receiveAlerts(held, [anAlert({ severity: "SEV-4" })], START_MS + 1)).toMatchObject({
      accepted: 0,
    });
  });

  it("keeps the same fingerprint of two tools apart", ({ expect }) => {
    const inbox = after([anAlert(), anAlert({ source: "grafana" })]);
    expect(countAlerts(inbox, START_MS)).toMatchObject({ firing: 2, sources: 2 });
  });

  it.for([
    ["resolved, then the firing it ends", ["resolved", "firing"], 0, 0],
    ["firing, then its end", ["firing", "resolved"], 0, 0],
    ["a new episode after the end", ["resolved", "firing"], 1, 1],
    ["the end of an old episode during a new one", ["firing", "resolved"], -1, 1],
  ] as const)("%s", ([, [first, second], laterByMs, firing], { expect }) => {
    const inbox = after(
      [anAlert({ status: first })],
      [anAlert({ status: second, startsAtMs: START_MS + laterByMs })],
    );
    expect(countAlerts(inbox, START_MS).firing).toBe(firing);
  });

  it("bundles the oldest resolved first when full, and knows them all the same", ({ expect }) => {
    const resolved = Array.from({ length: 3 }, (_, n) =>
      anAlert({ fingerprint: `r${n}`, status: "resolved" }),
    );
    const firing = Array.from({ length: INBOX_MAX - 1 }, (_, n) =>
      anAlert({ fingerprint: `f${n}` }),
    );
    const inbox = after(resolved.slice(0, 2), resolved.slice(2), firing);
    expect(inbox.alerts).toHaveLength(INBOX_MAX);
    expect([...inbox.bundled.byKey.values()].map(({ fingerprint }) => fingerprint)).toEqual([
      "r0",
      "r1",
    ]);
    expect(inbox.droppedCount).toBe(0);
    const late = receiveAlerts(inbox, [anAlert({ fingerprint: "r0" })], START_MS + 9_000);
    expect(late).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(inbox.alerts.filter((alert) => alert.status === "resolved")).toMatchObject([
      { fingerprint: "r2" },
    ]);
  });

  it("bundles what a storm of one group has no room for, and never another's", ({ expect }) => {
    const storm = Array.from({ length: INBOX_MAX + 500 }, (_, n) =>
      anAlert({ fingerprint: `s${n}`, group: "storm" }),
    );
    const other = anAlert({ fingerprint: "alone" });
    const inbox = after(storm, [other], storm);
    expect(inbox.alerts).toHaveLength(INBOX_MAX);
    expect(inbox.alerts).toContainEqual(expect.objectContaining({ fingerprint: "alone" }));
    expect(inbox.bundled.byKey.size).toBe(501);
    expect(inbox.droppedCount).toBe(0);
    expect(countAlerts(inbox, START_MS)).toMatchObject({ firing: INBOX_MAX + 501, bundled: 501 });
    expect(bundlesIn(inbox.bundled)).toEqual([
      { scope: "alert:alertmanager:group:storm", source: "alertmanager", firing: 501, resolved: 0 },
    ]);
  });

  it("keeps the worst whole, and takes what got worse out of the bundle", ({ expect }) => {
    const storm = Array.from({ length: INBOX_MAX + 1 }, (_, n) =>
      anAlert({ fingerprint: `s${n}`, group: "storm", severity: "SEV-3" }),
    );
    const full = after(storm);
    const [bundled] = full.bundled.byKey.values();
    const worse = anAlert({
      fingerprint: bundled?.fingerprint ?? "",
      group: "storm",
      severity: "SEV-1",
    });
    const reception = receiveAlerts(full, [worse], START_MS + 1);
    expect(reception.news).toEqual([worse]);
    expect(reception.inbox.alerts[0]).toMatchObject({ severity: "SEV-1" });
    expect(reception.inbox.bundled.byKey.size).toBe(1);
  });

  it("says how many went when there is no room even among the bundled", ({ expect }) => {
    const flood = Array.from({ length: INBOX_MAX + BUNDLED_MAX + 7 }, (_, n) =>
      anAlert({ fingerprint: `s${n}`, group: "storm" }),
    );
    const inbox = after(flood);
    expect([inbox.alerts.length, inbox.bundled.byKey.size]).toEqual([INBOX_MAX, BUNDLED_MAX]);
    expect(countAlerts(inbox, START_MS)).toMatchObject({ dropped: 7 });
  });

  it("forgets a resolved alert once its repetitions can no longer arrive", ({ expect }) => {
    const inbox = after([anAlert({ status: "resolved" })]);
    const atLimit = receiveAlerts(inbox, [], START_MS + RESOLVED_KEEP_MS);
    const past = receiveAlerts(inbox, [], START_MS + RESOLVED_KEEP_MS + 1);
    expect(atLimit.inbox.alerts).toHaveLength(1);
    expect(past.inbox).toMatchObject({ alerts: [], droppedCount: 0 });
  });
});

it("ends up knowing the same, in whatever order deliveries arrive", ({ expect }) => {
  const delivery = fc.record({
    fingerprint: fc.constantFrom("a", "b", "c"),
    status: fc.constantFrom("firing" as const, "resolved" as const),
    startsAtMs: fc.constantFrom(START_MS, START_MS + 1, START_MS + 2),
  });
  const known = (deliveries: readonly Partial<Alert>[]) =>
    after(...deliveries.map((given) => [anAlert(given)]))
      .alerts.map(({ fingerprint, status, startsAtMs }) => `${fingerprint} ${status} ${startsAtMs}`)
      .toSorted((a, b) => a.localeCompare(b));
  fc.assert(
    fc.property(
      fc.array(delivery, { maxLength: 12 }).chain((deliveries) =>
        fc.tuple(
          fc.constant(deliveries),
          fc.shuffledSubarray(deliveries, {
            minLength: deliveries.length,
            maxLength: deliveries.length,
          }),
        ),
      ),
      ([deliveries, shuffled]) => {
        expect(known(shuffled)).toEqual(known(deliveries));
      },
    ),
  );
});

it("does not count an ended alert's late firing as news", ({ expect }) => {
  const inbox = after([anAlert({ status: "resolved" })]);
  expect(receiveAlerts(inbox, [anAlert()], START_MS + 1)).toMatchObject({ news: [], accepted: 0 });
});

describe("countAlerts", () => {
  it("knows nothing before the first delivery", ({ expect }) => {
    expect(countAlerts(EMPTY_INBOX, START_MS).lastReceivedAtMs).toBeNull();
  });

  it("counts SEV-1 and SEV-2 as critical", ({ expect }) => {
    const levels = ["SEV-1", "SEV-2", "SEV-3", "SEV-4"] as const;
    const inbox = after(levels.map((severity) => anAlert({ fingerprint: severity, severity })));
    expect(countAlerts(inbox, START_MS)).toMatchObject({ firing: 4, critical: 2, sources: 1 });
  });

  it.for([
    ["just heard", null, STALE_AFTER_MS, 0],
    ["not repeated for too long", null, STALE_AFTER_MS + 1, 1],
    ["its announced end has passed", START_MS + 60_000, 60_001, 1],
  ] as const)(
    "%s: still firing, for silence is not recovery",
    ([, endsAtMs, ageMs, stale], { expect }) => {
      const counts = countAlerts(after([anAlert({ endsAtMs })]), START_MS + ageMs);
      expect(counts).toMatchObject({ firing: 1, stale });
    },
  );
});
