/** What production leaves out because Firebreak says so, by the names that `site.yaml` has for it. */
import { describe, it, onTestFinished, vi } from "vitest";
import { loadPolicy } from "../../../src/guard/loaded-policy.ts";
import { compilePolicy } from "../../../src/policy/compile.ts";
import type { Policy, PolicyEntry } from "../../../src/policy/policy.ts";
import { Firebreak } from "../../../src/sdk/index.ts";
import { anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const anOff = (changes: Partial<PolicyEntry> = {}): PolicyEntry =>
  anEntry({
    id: "lse_off",
    kind: "disabled-feature",
    match: { feature: "latest" },
    expiresAtMs: NOW_MS + HOUR_MS,
    ...changes,
  });

function policyOf(entries: readonly PolicyEntry[]): Policy {
  const compiled = compilePolicy({
    instance: "shop.test",
    previous: { epoch: 1, n: 0 },
    entries,
    settings: aSettings({
      features: [
        { id: "latest", routes: [], header: null },
        { id: "beta", routes: ["/search"], header: { name: "x-beta", value: undefined } },
      ],
    }),
    networks: null,
    nowMs: NOW_MS,
  });
  if (!compiled.ok) throw new Error(compiled.error);
  return compiled.value;
}

/** One isolate of production that has heard of this policy. */
async function isolate(entries: readonly PolicyEntry[]) {
  vi.useFakeTimers({ now: NOW_MS, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const policy = policyOf(entries);
  const firebreak = new Firebreak({
    policy: () => ({ read: async () => ({ seq: policy.seq, policy }) }),
  });
  const left: Promise<unknown>[] = [];
  const waitUntil = (promise: Promise<unknown>): void => void left.push(promise);
  const isOff = (feature = "latest", key = "ada"): boolean =>
    firebreak.isOff(feature, { session: { key }, waitUntil });
  const first = isOff();
  await Promise.all(left);
  return { isOff, first };
}

describe("a feature is off", () => {
  it("by its name, until its lease ends, and a new isolate begins as if nothing were", async ({
    expect,
  }) => {
    const { isOff, first } = await isolate([anOff()]);
    expect(first).toBe(false);
    expect(isOff()).toBe(true);
    expect(isOff("checkout")).toBe(false);
    vi.setSystemTime(NOW_MS + HOUR_MS);
    expect(isOff()).toBe(false);
  });

  it.for([
    ["in shadow", { mode: "shadow" }],
    ["for all where it is about a header", { match: { feature: "beta" } }, "beta"],
    ["by its routes alone", { match: { routes: ["/latest"] } }],
    ["of another kind", { kind: "maintenance", match: {} }],
    ["for nobody", { share: 0 }],
  ] as const)("not %s", async ([, changes, feature = "latest"], { expect }) => {
    expect((await isolate([anOff(changes)])).isOff(feature)).toBe(false);
  });

  it("for as many as its share says, the same each time", async ({ expect }) => {
    const { isOff } = await isolate([anOff({ share: 0.5, salt: "lse_off" })]);
    const keys = Array.from({ length: 200 }, (_, n) => `visitor-${n}`);
    const off = keys.filter((key) => isOff("latest", key));
    expect(off.length).toBeGreaterThan(60);
    expect(off.length).toBeLessThan(140);
    expect(keys.filter((key) => isOff("latest", key))).toEqual(off);
  });
});

it("a guard neither enforces what has no route nor counts it as unknown", ({ expect }) => {
  const loaded = loadPolicy(policyOf([anOff({ fail: "closed" })]));
  expect(loaded.entries["disabled-feature"]).toEqual([]);
  expect(loaded.unknownEntries).toBe(0);
});
