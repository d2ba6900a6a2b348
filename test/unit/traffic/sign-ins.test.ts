import fc from "fast-check";
import { describe, it } from "vitest";
import {
  MANY_FAILURES,
  mergeSignIns,
  signInFigures,
  SUCCESS_TOLD_SECONDS,
  suspiciousAccounts,
} from "../../../src/traffic/sign-in-figures.ts";
import {
  LATELY_SECONDS,
  OTHERS_MAX,
  PARTIES_MAX,
  PARTIES_TOLD_MAX,
  SIGN_INS_KEPT_SECONDS,
  SignInMemory,
} from "../../../src/traffic/sign-in-memory.ts";
import type { SignInReport } from "../../../src/traffic/traffic-api.ts";
import { FUTURE_SECONDS_MAX } from "../../../src/traffic/window.ts";
import { anAttempt, failedAt, openedAt } from "../../support/sign-ins.ts";

const NOW = 100_000;
const failed = failedAt(NOW);
const opened = openedAt(NOW);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const heard = (...signIns: readonly SignInReport[]): SignInMemory => {
  const memory = new SignInMemory();
  memory.add(signIns, NOW);
  return memory;
};
const figures = (memory: SignInMemory, nowSecond = NOW) =>
  signInFigures(memory.window(nowSecond), nowSecond);

describe("who tries to sign in", () => {
  it("is nobody as long as nobody failed", ({ expect }) => {
    expect(figures(heard(opened("a", "ann"), opened("b", "bob")))).toEqual({
      failedPerAddress: 0,
      accountsPerAddress: 0,
      addressesPerAccount: 0,
      failingAddresses: 0,
      failingAccounts: 0,
      suspiciousSuccesses: 0,
    });
  });

  it("is stuffing when one address tries many accounts", ({ expect }) => {
    const memory = heard(...upTo(7).map((index) => failed("a", `account-${index}`)));
    expect(figures(memory)).toMatchObject({
      failedPerAddress: 7,
      accountsPerAddress: 7,
      addressesPerAccount: 1,
      failingAddresses: 1,
      failingAccounts: 7,
    });
  });

  it("is guessing when many addresses try one account", ({ expect }) => {
    const memory = heard(...upTo(6).map((index) => failed(`address-${index}`, "ann")));
    expect(figures(memory)).toMatchObject({ accountsPerAddress: 1, addressesPerAccount: 6 });
  });

  it("is no guessing when one mistypes and gets in", ({ expect }) => {
    const memory = heard(failed("a", "ann"), failed("a", "ann"), opened("a", "ann"));
    expect(figures(memory)).toMatchObject({
      failedPerAddress: 2,
      accountsPerAddress: 0,
      suspiciousSuccesses: 0,
    });
  });

  it("is counted by address where production has no key for accounts", ({ expect }) => {
    const memory = heard(...upTo(4).map(() => failed("a", null)));
    expect(figures(memory)).toMatchObject({ failedPerAddress: 4, accountsPerAddress: 0 });
  });

  it("is not told any more once it has stopped, and forgotten within the hour", ({ expect }) => {
    const memory = heard(...upTo(7).map((index) => failed("a", `account-${index}`)));
    expect(figures(memory, NOW + LATELY_SECONDS - 1).accountsPerAddress).toBe(7);
    expect(figures(memory, NOW + LATELY_SECONDS).accountsPerAddress).toBe(0);
    const later = NOW + SIGN_INS_KEPT_SECONDS + 300;
    memory.add([failedAt(later)("a", "ann")], later);
    expect(figures(memory, later)).toMatchObject({ failedPerAddress: 1, accountsPerAddress: 1 });
  });

  it("is nobody who mistypes once a day, and gets in", ({ expect }) => {
    const memory = new SignInMemory();
    const day = (n: number) => NOW + n * 86_400;
    for (let n = 0; n < 8; n += 1) {
      memory.add([failedAt(day(n))("a", "ann"), openedAt(day(n) + 5)("a", "ann")], day(n) + 5);
      memory.add([failedAt(day(n) + 9)("b", `account-${n}`)], day(n) + 9);
      expect(figures(memory, day(n) + 10)).toMatchObject({
        accountsPerAddress: 1,
        suspiciousSuccesses: 0,
      });
    }
  });
});

describe("a success that should not have been", () => {
  it.for([
    [
      "after many failures at the same account",
      upTo(MANY_FAILURES + 1).map(() => failed("a", "ann")),
    ],
    ["after many accounts were tried", upTo(MANY_FAILURES).map((n) => failed("a", `other-${n}`))],
    ["after many addresses tried it", upTo(MANY_FAILURES).map((n) => failed(`other-${n}`, "ann"))],
  ] as const)("%s", ([, before], { expect }) => {
    const window = heard(...before, opened("a", "ann")).window(NOW);
    expect([...suspiciousAccounts(window, NOW)]).toEqual(["ann"]);
    expect(suspiciousAccounts(window, NOW + SUCCESS_TOLD_SECONDS)).toEqual(new Set());
  });

  it.for([
    ["after as many failures as people make", upTo(MANY_FAILURES).map(() => failed("a", "ann"))],
    ["of one account, where another was tried", upTo(9).map((n) => failed(`other-${n}`, "bob"))],
  ] as const)("is none %s", ([, before], { expect }) => {
    const window = heard(...before, opened("a", "ann")).window(NOW);
    expect(suspiciousAccounts(window, NOW)).toEqual(new Set());
  });
});

describe("what is remembered", () => {
  it("is bounded, and who fails most is not what makes room", ({ expect }) => {
    const memory = new SignInMemory();
    memory.add(
      upTo(50).map((n) => failed("attacker", `account-${n}`)),
      NOW,
    );
    for (const batch of upTo(20)) {
      memory.add(
        upTo(500).map((n) => failed(`address-${batch}-${n}`, `one-${batch}-${n}`)),
        NOW,
      );
    }
    const { addresses, accounts } = memory.window(NOW);
    expect(addresses).toHaveLength(PARTIES_TOLD_MAX);
    expect(accounts).toHaveLength(PARTIES_TOLD_MAX);
    expect(addresses[0]).toMatchObject({ name: "attacker", failed: 50 });
    expect(addresses[0]?.others).toHaveLength(OTHERS_MAX);
    expect(figures(memory).failingAddresses).toBeLessThan(PARTIES_MAX * 1.1);
  });

  it("is nothing of an hour ago, and nothing of a time to come", ({ expect }) => {
    const memory = heard(
      failedAt(NOW - SIGN_INS_KEPT_SECONDS)("a", "ann"),
      failedAt(NOW + FUTURE_SECONDS_MAX + 1)("b", "bob"),
    );
    expect(memory.window(NOW)).toMatchObject({ addresses: [], accounts: [] });
  });

  it("is the same from several shards as from one", ({ expect }) => {
    const attempt = fc
      .tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 }), fc.boolean())
      .map(([address, account, isFailure]) =>
        anAttempt(`address-${address}`, `account-${account}`, {
          second: NOW,
          failed: Number(isFailure),
          succeeded: Number(!isFailure),
        }),
      );
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 60 }), (attempts) => {
        // One that was never seen to fail is remembered by none.
        const known = upTo(6).map((n) => failed(`address-${n}`, `account-${n}`));
        const [even, odd] = [0, 1].map((rest) => attempts.filter((_, at) => at % 2 === rest));
        const both = [even, odd].map((some) => heard(...known, ...(some ?? [])).window(NOW));
        const merged = signInFigures(mergeSignIns(both), NOW);
        const whole = figures(heard(...known, ...known, ...attempts));
        expect(merged).toEqual(whole);
      }),
    );
  });

  it("says nothing where nothing was heard", ({ expect }) => {
    expect(signInFigures(mergeSignIns([]), NOW)).toMatchObject({ failingAddresses: 0 });
  });
});
