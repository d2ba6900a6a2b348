/** The revenue that waits during an incident: the worst of each currency, and what is left of it. */
import { describe, it } from "vitest";
import { stakeText, stakeWith, type Stake } from "../../../src/payments/unpaid.ts";

const usd = (amount: number, count = 1) => ({ currency: "usd", amount, count });
const eur = (amount: number, count = 1) => ({ currency: "eur", amount, count });
const looks = (...some: readonly unknown[]): Stake | null =>
  some.reduce<Stake | null>((stake, unpaid) => stakeWith(stake, { unpaid }), null);

describe("the revenue at stake", () => {
  it("is not measured until somebody looks", ({ expect }) => {
    expect(stakeText(null)).toBe("not measured");
  });

  it("is of each currency the worst, in minor units, and what is left", ({ expect }) => {
    const stake = looks([usd(4_900)], [usd(73_500, 15), eur(100)], [usd(9_800, 2)]);
    expect(stakeText(stake)).toBe(
      "at the worst look USD 73500 in minor units (15 payments) and EUR 100 in minor units (1 payments) waited to be charged; at the last look USD 9800 in minor units (2 payments)",
    );
    expect(stakeText(looks([usd(4_900)], []))).toMatch(/; at the last look nothing$/);
  });

  it("is none where nothing waited", ({ expect }) => {
    expect(stakeText(looks([]))).toBe("no payment waited to be charged");
  });

  it.for([
    [{ unpaid: [{ currency: "USD", amount: 1, count: 1 }] }],
    [{ unpaid: [{ currency: "usd", amount: 1.5, count: 1 }] }],
    [{ unpaid: Array.from({ length: 21 }, () => usd(1)) }],
    [{ "traffic.error_ratio": [] }],
    [null],
  ])("is not changed by %j", ([facts], { expect }) => {
    const before = looks([usd(4_900)]);
    expect(stakeWith(before, facts)).toBe(before);
  });
});
