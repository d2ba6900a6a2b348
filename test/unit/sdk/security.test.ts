import { afterEach, beforeEach, describe, it, vi } from "vitest";
import { Accounts } from "../../../src/sdk/accounts.ts";
import { CLOCKS_DIFFER_MS, Security, type SecurityDeps } from "../../../src/sdk/security.ts";
import { Firebreak } from "../../../src/sdk/index.ts";
import { SignIns } from "../../../src/sdk/sign-ins.ts";
import { SIGN_INS_TOLD_MAX, type ReportFlush } from "../../../src/traffic/traffic-api.ts";

const NOW_MS = 1_795_000_000_000;
const KEY = "a-key-of-production";
const STRICT = {
  requireMfa: true,
  sessionTimeoutMs: 900_000,
  signInAttemptsMax: 3,
  isAdminListed: true,
};
const accounts = new Accounts(KEY);
const security = (given: Partial<SecurityDeps>) =>
  new Security({ strict: null, revocations: [], accounts, allowlist: [], ...given });

beforeEach(() => {
  vi.useFakeTimers({ now: NOW_MS, toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("an account's name", () => {
  it("is the same in every isolate, and another under another key", async ({ expect }) => {
    const hash = await accounts.hashOf("ann@example.com");
    expect(hash).toMatch(/^[\w-]{16}$/);
    expect(await new Accounts(KEY).hashOf("ann@example.com")).toBe(hash);
    expect(await accounts.hashOf("bob@example.com")).not.toBe(hash);
    expect(await new Accounts(`${KEY}s`).hashOf("ann@example.com")).not.toBe(hash);
  });

  it.for([undefined, "", "fifteen-letters"])("is none with the key %s", async (key, { expect }) => {
    expect(await new Accounts(key).hashOf("ann@example.com")).toBeNull();
  });
});

describe("a session", () => {
  const revoked = (issuedUntilMs: number, of?: readonly string[]) => ({
    revocations: [{ issuedUntilMs, ...(of === undefined ? {} : { accounts: [...of] }) }],
  });

  it("goes on while nothing is asked, whenever it was issued", async ({ expect }) => {
    expect(await security({}).isOver(NOW_MS - 9_000_000, "ann")).toBe(false);
    expect(await security({}).isOver(null, "ann")).toBe(false);
  });

  it.for([
    ["before", -1, true],
    ["then", 0, true],
    ["while clocks may differ", CLOCKS_DIFFER_MS, true],
    ["afterwards", CLOCKS_DIFFER_MS + 1, false],
  ] as const)("issued %s is over: %s, %s", async ([, sinceMs, isOver], { expect }) => {
    const asked = security(revoked(NOW_MS - 60_000));
    expect(await asked.isOver(NOW_MS - 60_000 + sinceMs, "ann")).toBe(isOver);
  });

  it("is over when nobody knows when it was issued, or when it claims a time to come", async ({
    expect,
  }) => {
    const asked = security(revoked(NOW_MS - 60_000));
    for (const issuedAtMs of [null, Number.NaN, NOW_MS + CLOCKS_DIFFER_MS + 1]) {
      expect(await asked.isOver(issuedAtMs, "ann")).toBe(true);
    }
  });

  it("of another account goes on", async ({ expect }) => {
    const hash = await accounts.hashOf("ann");
    if (hash === null) throw new Error("there is a key");
    const asked = security(revoked(NOW_MS, [hash]));
    expect(await asked.isOver(NOW_MS, "ann")).toBe(true);
    expect(await asked.isOver(NOW_MS, "bob")).toBe(false);
  });

  it("is over where nobody can tell whose it is", async ({ expect }) => {
    const asked = security({ ...revoked(NOW_MS, ["some"]), accounts: new Accounts(undefined) });
    expect(await asked.isOver(NOW_MS, "bob")).toBe(true);
  });

  it("is short in strict mode", async ({ expect }) => {
    const asked = security({ strict: STRICT });
    expect(await asked.isOver(NOW_MS - 900_000, "ann")).toBe(false);
    expect(await asked.isOver(NOW_MS - 900_001, "ann")).toBe(true);
    expect(await asked.isOver(null, "ann")).toBe(true);
  });
});

describe("who administers", () => {
  it.for([
    ["anybody, while nothing is asked", null, ["10.0.0.0/8"], "192.0.2.1", true],
    ["anybody, with an empty list", STRICT, [], "192.0.2.1", true],
    [
      "anybody, where the lease leaves it",
      { ...STRICT, isAdminListed: false },
      ["10.0.0.0/8"],
      "192.0.2.1",
      true,
    ],
    ["who is on the list", STRICT, ["10.0.0.0/8"], "10.9.9.9", true],
    ["who is on the list, by IPv6", STRICT, ["2001:db8::/32"], "2001:db8::7", true],
    ["not who is beside it", STRICT, ["10.0.0.0/8"], "11.0.0.1", false],
    ["not what is no address", STRICT, ["10.0.0.0/8"], "10.0.0.0.evil", false],
    ["nobody by a network that is wider", STRICT, ["10.0.0.0/8"], "0.0.0.0/0", false],
  ] as const)("%s", ([, strict, allowlist, address, may], { expect }) => {
    expect(security({ strict, allowlist }).mayAdminister(address)).toBe(may);
  });
});

describe("attempts that are yet to be told", () => {
  const one = { kind: "auth.failed", address: "192.0.2.1", account: "ann" } as const;

  it("are added up by address and account, and told once", ({ expect }) => {
    const signIns = new SignIns();
    signIns.record(one, NOW_MS);
    signIns.record({ ...one, kind: "auth.succeeded" }, NOW_MS + 2_000);
    signIns.record({ ...one, account: null }, NOW_MS);
    expect(signIns.cut()).toEqual([
      { second: NOW_MS / 1_000 + 2, address: "192.0.2.1", account: "ann", failed: 1, succeeded: 1 },
      { second: NOW_MS / 1_000, address: "192.0.2.1", account: null, failed: 1, succeeded: 0 },
    ]);
    expect(signIns.cut()).toEqual([]);
  });

  it("are bounded", ({ expect }) => {
    const signIns = new SignIns();
    for (let index = 0; index < SIGN_INS_TOLD_MAX + 50; index += 1) {
      signIns.record({ ...one, account: `account-${index}` }, NOW_MS);
    }
    expect(signIns.cut()).toHaveLength(SIGN_INS_TOLD_MAX);
  });
});

describe("a sign-in that is reported with who it was", () => {
  async function reported(accountKey: string | undefined) {
    const flushes: ReportFlush[] = [];
    const left: Promise<unknown>[] = [];
    const firebreak = new Firebreak({
      policy: () => null,
      traffic: () => ({ report: async (flush) => void flushes.push(flush) }),
      accountKey,
    });
    const waitUntil = (promise: Promise<unknown>): void => void left.push(promise);
    const account = "ann@example.com";
    firebreak.report("auth.failed", waitUntil, { address: "2001:db8:1:2:3::4", account });
    firebreak.report("auth.failed", waitUntil, { address: "somewhere", account });
    // Only of sign-ins is it told who it was.
    firebreak.report("pool.exhausted", waitUntil, { address: "192.0.2.1", account });
    while (left.length > 0) await left.shift();
    return {
      signIns: flushes.flatMap(({ signIns = [] }) => signIns),
      failed: flushes.flatMap(({ seconds }) => seconds).map(({ counts }) => counts["auth.failed"]),
      text: JSON.stringify(flushes),
    };
  }

  it("is told by the subscriber's network and a hash, and counted in any case", async ({
    expect,
  }) => {
    const { signIns, failed, text } = await reported(KEY);
    expect(signIns).toMatchObject([
      {
        address: "2001:db8:1:2::/64",
        account: await accounts.hashOf("ann@example.com"),
        failed: 1,
      },
    ]);
    expect(failed).toEqual([2]);
    expect(text).not.toContain("ann");
    expect(text).not.toContain("192.0.2.1");
  });

  it("is told without an account where production has no key", async ({ expect }) => {
    expect((await reported(undefined)).signIns).toMatchObject([{ account: null, failed: 1 }]);
  });
});
