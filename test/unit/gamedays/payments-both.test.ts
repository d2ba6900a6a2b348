/** What the payments gameday promises where both providers fail: each promise holds on a good day, and is broken by what should break it. */
import { describe, it } from "vitest";
import type { Visit } from "../../../gamedays/measure.ts";
import { judgeBoth } from "../../../gamedays/payments-both-expectations.ts";
import { spansOf, type Seen } from "../../../gamedays/payments-expectations.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import { heardAsPromised } from "../../support/heard.ts";
import { aRow, endedAs } from "../../support/payments-day.ts";

const scenario = await readScenario("payments-both");
const CAP = 15;

const aPurchase = (atMs: number, word: string, id: number): Visit => ({
  atMs,
  tookMs: 100,
  visitor: "198.51.100.1",
  errand: "buy",
  outcome: word === "error" ? "failed" : "served",
  purchase: {
    status: word === "succeeded" ? 201 : word === "error" ? 502 : 202,
    word,
    paymentId: String(id),
  },
});

/** An order a second: calm until 5 s, failing until 8 s, unpaid until 23 s, beyond the bound until 25 s, well again. */
function aDay(): Seen {
  const word = (n: number): string => {
    if (n < 5 || n >= 25) return "succeeded";
    return n >= 8 && n < 8 + CAP ? "deferred" : "pending";
  };
  const visits = Array.from({ length: 50 }, (_, n) => aPurchase(n * 1_000, word(n), n));
  const charges = visits.map((_, n) => ({
    provider: "stripe-api" as const,
    id: `ref_${n}`,
    order: `order-${n}`,
  }));
  // Two a second from when they work again.
  const chargedAtMs = new Map(
    visits.map((visit, n) => [
      `order-${n}`,
      n >= 5 && n < 25 ? 25_000 + (n - 5) * 500 : visit.atMs,
    ]),
  );
  const log = { faultAtMs: 5_000, mendedAtMs: 25_000, visits, charges };
  return {
    ...log,
    variant: "both",
    startedAtMs: 0,
    incident: "inc_1",
    rows: [
      aRow("lease.proposed", 6_000, { actuator: "switch-payment-provider", leaseId: "lse_1" }),
      aRow("lease.applied", 6_000),
      aRow("lease.ineffective", 7_000),
      aRow("lease.reverted", 7_000),
      aRow("lease.proposed", 7_000, { actuator: "payment-bypass", leaseId: "lse_2" }),
      aRow("lease.approved", 7_500, { leaseId: "lse_2" }),
      aRow("lease.applied", 7_600),
      aRow("lease.reverted", 40_000),
    ],
    orders: charges.map(({ id, order }) => ({ key: order, status: "succeeded", references: [id] })),
    charges,
    chargedInFault: [],
    chargedAtMs,
    reconciledAtMs: 45_000,
    heard: heardAsPromised(scenario.expect.told),
    after: endedAs(scenario.expect.told),
    brokenOff: null,
    spans: spansOf(log),
    times: {
      faultAtMs: 5_000,
      onsetAtMs: 5_500,
      detectedAtMs: 6_000,
      acknowledgedAtMs: 6_000,
      mitigatedAtMs: 6_000,
      enforcedAtMs: null,
      recoveredAtMs: 38_000,
      releasedAtMs: 40_000,
      resolvedAtMs: 43_000,
    },
  };
}

const failedIn = (seen: Seen): readonly string[] =>
  judgeBoth(seen, scenario).flatMap(({ id, ok }) => (ok ? [] : [id]));

describe("the payments gameday where both providers fail", () => {
  it("keeps every promise on a good day", ({ expect }) => {
    expect(failedIn(aDay())).toEqual([]);
  });

  const withVisit = (day: Seen, n: number, word: string): Seen => ({
    ...day,
    visits: day.visits.with(n, aPurchase(n * 1_000, word, n)),
  });
  const without = (day: Seen, type: string): Seen => ({
    ...day,
    rows: day.rows.filter((row) => row.type !== type),
  });
  const broken: readonly (readonly [string, string, (day: Seen) => Seen])[] = [
    [
      "a second provider that nobody saw fail",
      "second-fails",
      (day) => without(day, "lease.ineffective"),
    ],
    ["orders unpaid that nobody agreed to", "agreed", (day) => without(day, "lease.approved")],
    ["an order unpaid before somebody agreed", "agreed", (day) => withVisit(day, 5, "deferred")],
    ["more orders unpaid than the bound", "within-bound", (day) => withVisit(day, 24, "deferred")],
    [
      "an order within the bound that is not taken unpaid",
      "within-bound",
      (day) => withVisit(day, 12, "pending"),
    ],
    [
      "an order beyond the bound that is refused",
      "beyond-bound",
      (day) => withVisit(day, 24, "error"),
    ],
    ["an order that is refused", "orders-refused", (day) => withVisit(day, 12, "error")],
    [
      "an order unpaid that is never charged",
      "deferred-charged",
      (day) => ({ ...day, charges: day.charges.filter(({ order }) => order !== "order-12") }),
    ],
    [
      "an order unpaid that is charged by both",
      "deferred-charged",
      (day) => ({
        ...day,
        charges: [...day.charges, { provider: "square-api", id: "ref_x", order: "order-12" }],
      }),
    ],
    [
      "a provider that is run over when it comes back",
      "drain-bounded",
      (day) => ({
        ...day,
        chargedAtMs: new Map([...day.chargedAtMs].map(([key]) => [key, 25_000])),
      }),
    ],
    [
      "books that nobody holds against the providers",
      "books-held",
      (day) => ({ ...day, reconciledAtMs: null }),
    ],
    ["an order that waits after all is taken back", "back", (day) => withVisit(day, 48, "pending")],
  ];
  for (const [what, promise, spoil] of broken) {
    it(`is broken by ${what}`, ({ expect }) => {
      expect(failedIn(spoil(aDay()))).toContain(promise);
    });
  }
});
