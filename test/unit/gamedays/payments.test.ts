/** What the payments gameday promises: each promise holds on a good day, and is broken by what should break it. */
import { describe, it } from "vitest";
import type { Visit } from "../../../gamedays/measure.ts";
import {
  judgePayments,
  orderTable,
  spansOf,
  type Seen,
} from "../../../gamedays/payments-expectations.ts";
import { promisedBy } from "../../../gamedays/purchases.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import { heardAsPromised } from "../../support/heard.ts";
import { aRow, endedAs } from "../../support/payments-day.ts";

const scenario = await readScenario("payments");

const aPurchase = (atMs: number, status: number, id: number): Visit => ({
  atMs,
  tookMs: 100,
  visitor: "198.51.100.1",
  errand: "buy",
  outcome: status === 201 || status === 202 ? "served" : "failed",
  purchase: {
    status,
    word: status === 202 ? "pending" : "succeeded",
    paymentId: status === 500 ? null : String(id),
  },
});

/** One order a second: calm until 5 s, failing until 8 s, switched until 15 s, mended; taken back at 17 s. */
function aDay(): Seen {
  const visits = Array.from({ length: 25 }, (_, n) =>
    aPurchase(n * 1_000, n >= 5 && n < 8 ? 202 : 201, n),
  );
  const isElsewhere = (n: number) => n >= 8 && n < 17;
  const charges = visits.map((_, n) => ({
    provider: isElsewhere(n) ? ("square-api" as const) : ("stripe-api" as const),
    id: `ref_${n}`,
    order: `order-${n}`,
  }));
  const log = { faultAtMs: 5_000, mendedAtMs: 15_000, visits, charges };
  const spans = spansOf(log);
  return {
    ...log,
    variant: "timeout",
    chargedAtMs: new Map(),
    reconciledAtMs: null,
    chargedInFault: charges.slice(0, 15),
    startedAtMs: 0,
    incident: "inc_1",
    rows: [
      aRow("lease.applied", 6_000),
      aRow("lease.effective", 9_000),
      aRow("lease.reverted", 17_000),
    ],
    orders: charges.map(({ id, order }) => ({
      key: order,
      status: "succeeded",
      references: [id],
    })),
    charges,
    heard: heardAsPromised(scenario.expect.told),
    after: endedAs(scenario.expect.told),
    brokenOff: null,
    spans,
    times: {
      faultAtMs: 5_000,
      onsetAtMs: 5_500,
      detectedAtMs: 6_000,
      acknowledgedAtMs: 6_000,
      mitigatedAtMs: 6_000,
      enforcedAtMs: spans.switched?.fromMs ?? null,
      recoveredAtMs: 16_000,
      releasedAtMs: 17_000,
      resolvedAtMs: 20_000,
    },
  };
}

const failedIn = (seen: Seen): readonly string[] =>
  judgePayments(seen, scenario).flatMap(({ id, ok }) => (ok ? [] : [id]));

describe("the payments gameday", () => {
  it("keeps every promise on a good day", ({ expect }) => {
    expect(failedIn(aDay())).toEqual([]);
    expect(aDay().spans.switched).toEqual({ fromMs: 8_000, untilMs: 15_000 });
    expect(orderTable(aDay()).rows).toEqual([
      ["calm", "5", "5", "0", "0", "0", "0"],
      ["failing", "3", "0", "3", "0", "0", "0"],
      ["switched", "7", "7", "0", "7", "0", "0"],
      ["mended", "10", "10", "0", "2", "0", "0"],
    ]);
  });

  it("counts orders as taken by what customers were told", ({ expect }) => {
    const visits = [aPurchase(0, 201, 1), aPurchase(1, 202, 2), aPurchase(2, 502, 3)];
    expect([...promisedBy(visits)]).toEqual(["order-1", "order-2"]);
  });

  const broken: readonly (readonly [string, string, (day: Seen) => Seen])[] = [
    [
      "an order that is refused for its payment",
      "orders-refused",
      (day) => ({
        ...day,
        visits: [...day.visits, aPurchase(12_500, 502, 99)],
      }),
    ],
    [
      "an order that waits once it is switched, and is no trial",
      "only-trials-wait",
      (day) => ({
        ...day,
        visits: day.visits.with(12, aPurchase(12_000, 202, 12)),
      }),
    ],
    [
      "a switch that leaves most orders with the first provider",
      "only-trials-wait",
      (day) => ({
        ...day,
        visits: [
          ...day.visits,
          ...Array.from({ length: 6 }, (_, n) => aPurchase(12_100 + n, 202, 11)),
        ],
        charges: day.charges.map((charge, n) =>
          n === 11 ? { ...charge, provider: "stripe-api" as const } : charge,
        ),
      }),
    ],
    [
      "a taken order that nobody charges",
      "orders-lost",
      (day) => ({
        ...day,
        visits: [...day.visits, aPurchase(12_500, 202, 99)],
      }),
    ],
    [
      "a taken order that stays pending",
      "orders-lost",
      (day) => ({
        ...day,
        orders: day.orders.map((order, n) => (n === 6 ? { ...order, status: "pending" } : order)),
      }),
    ],
    [
      "a customer who is charged by both",
      "orders-doubled",
      (day) => ({
        ...day,
        charges: [...day.charges, { provider: "square-api", id: "ref_x", order: "order-6" }],
      }),
    ],
    [
      "an unheard charge that the second provider makes again",
      "unheard-once",
      (day) => ({
        ...day,
        charges: [...day.charges, { provider: "square-api", id: "ref_x", order: "order-6" }],
      }),
    ],
    [
      "a provider that says what it charges, where the day is about one that does not",
      "unheard-once",
      (day) => ({ ...day, chargedInFault: [] }),
    ],
    [
      "a charge that the books do not have",
      "reconciled",
      (day) => ({
        ...day,
        orders: day.orders.map((order, n) => (n === 6 ? { ...order, references: [] } : order)),
      }),
    ],
    [
      "a transaction that nobody was charged for",
      "reconciled",
      (day) => ({
        ...day,
        charges: day.charges.slice(1),
      }),
    ],
    [
      "an order elsewhere after all is taken back",
      "back",
      (day) => ({
        ...day,
        charges: day.charges.map((charge, n) =>
          n === 24 ? { ...charge, provider: "square-api" } : charge,
        ),
      }),
    ],
    [
      "a lease that runs out",
      "taken-back",
      (day) => ({
        ...day,
        rows: [...day.rows, aRow("lease.expired", 18_000)],
      }),
    ],
    [
      "a provider that never failed anybody",
      "harm",
      (day) => {
        const visits = day.visits.map((visit, n) => aPurchase(visit.atMs, 201, n));
        return { ...day, visits, spans: spansOf({ ...day, visits }) };
      },
    ],
  ];
  for (const [what, promise, spoil] of broken) {
    it(`is broken by ${what}`, ({ expect }) => {
      expect(failedIn(spoil(aDay()))).toContain(promise);
    });
  }

  it("asks for lost answers only of a provider that charges before it fails", ({ expect }) => {
    expect(failedIn({ ...aDay(), variant: "5xx", chargedInFault: [] })).toEqual([]);
  });

  it("does not blame payments for what the shop itself could not take", ({ expect }) => {
    const day = aDay();
    const visits = [...day.visits, aPurchase(12_500, 500, 99)];
    expect(failedIn({ ...day, visits })).toEqual([]);
  });
});
