/** The reaper, against a vendor in memory that keeps rules with notes and ends none of them. */
import { describe, it } from "vitest";
import type { Reach } from "../../../src/mitigations/actuator.ts";
import { readMark, writeMark } from "../../../src/mitigations/mark.ts";
import { reap, REAP_AFTER_MS, REAPED_MAX, type Marking } from "../../../src/mitigations/reaper.ts";
import { err, ok } from "../../../src/shared/result.ts";
import { settleAll } from "../../../src/shared/settle-all.ts";

const NOW_MS = 1_800_000_000_000;
const OURS = "shop.test";
const nobody = async () => err({ class: "unknown_outcome", detail: "nobody answers" } as const);
/** No incident, no monitor, no policy: only the vendor is left. */
const REACH: Reach = {
  canSign: true,
  instance: OURS,
  policy: { put: nobody, get: nobody, remove: nobody },
  postgres: null,
  cloudflare: null,
  neon: null,
  credentials: null,
  sessions: null,
};

const leaseIdOf = (n: number): `lse_${string}` => `lse_${n.toString(16).padStart(26, "0")}`;
const noteOf = (n: number, given: { instance?: string; expiresAtMs?: number } = {}): string =>
  writeMark({
    instance: OURS,
    leaseId: leaseIdOf(n),
    expiresAtMs: NOW_MS - REAP_AFTER_MS,
    ...given,
  });

class RuleVendor {
  readonly rules = new Map<string, string>();
  /** Runs between the listing and each undoing. */
  meanwhile = (): void => {};

  readonly marking: Marking = {
    actuator: "rules",
    marked: async () =>
      ok(
        [...this.rules].flatMap(([place, note]) => {
          const mark = readMark(note);
          return mark === null ? [] : [{ mark, place }];
        }),
      ),
    undo: async ({ mark, place }) => {
      this.meanwhile();
      const note = this.rules.get(place);
      if (note === undefined) return ok("gone");
      if (!note.startsWith(writeMark(mark))) return ok("changed");
      this.rules.delete(place);
      return ok("restored");
    },
  };
}

describe("a mark", () => {
  it("is read from the beginning of a note, with or without words after it", ({ expect }) => {
    const mark = { instance: OURS, leaseId: leaseIdOf(7), expiresAtMs: NOW_MS };
    expect(readMark(writeMark(mark))).toEqual(mark);
    expect(readMark(`${writeMark(mark)} outage, see the journal`)).toEqual(mark);
  });

  it.for([
    "",
    "blocked by ada",
    `see firebreak/${OURS}/${leaseIdOf(1)}/1`,
    `firebreak/${OURS}/${leaseIdOf(1)}/1x`,
    `firebreak/${OURS}/lse_short/1`,
    `firebreak//${leaseIdOf(1)}/1`,
    `firebreak/${OURS}/extra/${leaseIdOf(1)}/1`,
  ])("is not in %j", (note, { expect }) => {
    expect(readMark(note)).toBeNull();
  });
});

describe("the reaper", () => {
  it("undoes what is overdue, with nothing but the vendor to ask", async ({ expect }) => {
    const vendor = new RuleVendor();
    vendor.rules.set("a", noteOf(1)).set("b", `${noteOf(2)} outage`);
    expect(await reap([vendor.marking], REACH, NOW_MS)).toMatchObject([
      { leaseId: leaseIdOf(1), outcome: "restored" },
      { leaseId: leaseIdOf(2), outcome: "restored" },
    ]);
    expect([...vendor.rules]).toEqual([]);
    expect(await reap([vendor.marking], REACH, NOW_MS)).toEqual([]);
  });

  it.for([
    ["a person's", "blocked by ada, keep"],
    ["another instance's", noteOf(1, { instance: "shop.production" })],
    ["still in its time", noteOf(1, { expiresAtMs: NOW_MS + 1 })],
    ["only just over", noteOf(1, { expiresAtMs: NOW_MS - REAP_AFTER_MS + 1 })],
  ] as const)("leaves alone what is %s", async ([, note], { expect }) => {
    const vendor = new RuleVendor();
    vendor.rules.set("a", note);
    expect(await reap([vendor.marking], REACH, NOW_MS)).toEqual([]);
    expect(vendor.rules.get("a")).toBe(note);
  });

  it.for([
    ["renewed", noteOf(1, { expiresAtMs: NOW_MS + 60_000 }), "changed"],
    ["taken over by a person", "mine now, ada", "changed"],
    ["removed", null, "gone"],
  ] as const)("leaves alone what is %s meanwhile", async ([, note, outcome], { expect }) => {
    const vendor = new RuleVendor();
    vendor.rules.set("a", noteOf(1));
    vendor.meanwhile = () => {
      if (note === null) vendor.rules.delete("a");
      else vendor.rules.set("a", note);
    };
    expect(await reap([vendor.marking], REACH, NOW_MS)).toMatchObject([{ outcome }]);
    expect(vendor.rules.get("a") ?? null).toBe(note);
  });

  it("goes on with the next vendor when one fails, throws, or cannot undo", async ({ expect }) => {
    const vendor = new RuleVendor();
    vendor.rules.set("a", noteOf(1));
    const stubborn = new RuleVendor();
    stubborn.rules.set("b", noteOf(2));
    stubborn.meanwhile = () => {
      throw new Error("secret-of-the-vendor");
    };
    const markings: readonly Marking[] = [
      { ...vendor.marking, actuator: "down", marked: nobody },
      { ...stubborn.marking, actuator: "stubborn" },
      vendor.marking,
    ];
    const reaped = await reap(markings, REACH, NOW_MS);
    expect(reaped).toMatchObject([
      { actuator: "down", leaseId: null, outcome: "failed", detail: "nobody answers" },
      { actuator: "stubborn", leaseId: leaseIdOf(2), outcome: "failed" },
      { actuator: "rules", outcome: "restored" },
    ]);
    expect(JSON.stringify(reaped)).not.toContain("secret-of-the-vendor");
  });

  it("undoes so many a run, the longest overdue first", async ({ expect }) => {
    const vendor = new RuleVendor();
    for (let n = 0; n <= REAPED_MAX; n += 1) {
      vendor.rules.set(String(n), noteOf(n, { expiresAtMs: NOW_MS - REAP_AFTER_MS - n }));
    }
    expect(await reap([vendor.marking], REACH, NOW_MS)).toHaveLength(REAPED_MAX);
    expect([...vendor.rules.keys()]).toEqual(["0"]);
  });
});

describe("the cron", () => {
  it("does the rest when the monitor is gone, and fails all the same", async ({ expect }) => {
    const vendor = new RuleVendor();
    vendor.rules.set("a", noteOf(1));
    const cron = settleAll([
      () => Promise.reject(new Error("the monitor is gone")),
      () => reap([vendor.marking], REACH, NOW_MS),
    ]);
    await expect(cron).rejects.toThrow("the monitor is gone");
    expect([...vendor.rules]).toEqual([]);
  });
});
