import { readFileSync } from "node:fs";
import { it } from "vitest";
import { loadPolicy, type LoadedPolicy } from "../../../src/guard/loaded-policy.ts";
import { networksBlobOf } from "../../../src/policy/blobs.ts";
import { knownEntry } from "../../../src/policy/kinds.ts";
import { readPolicy } from "../../../src/policy/read.ts";
import { SDK_ACTIONS, sdkAction } from "../../../src/policy/sdk-kinds.ts";
import { isForSdk } from "../../../src/policy/sdk-names.ts";
import { aPolicy, anEntry } from "../../support/policy.ts";

const golden = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), "utf8"));

const countsOf = ({ entries }: LoadedPolicy): Record<string, number> =>
  Object.fromEntries(Object.entries(entries).map(([kind, held]) => [kind, held.length]));

it("loses nothing of a policy of an earlier version", ({ expect }) => {
  const written = golden("policy-1");
  expect(readPolicy(written)).toMatchObject({ ok: true, value: { ...Object(written) } });
});

it("reads every kind that it enforces as it was written, and gives defaults to what is newer", ({
  expect,
}) => {
  const written = golden("policy-1-kinds");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  const loaded = loadPolicy(read.value);
  expect(loaded.unknownEntries).toBe(0);
  expect(countsOf(loaded)).toEqual({
    "allow-networks": 0,
    "block-networks": 0,
    "rate-limit": 0,
    challenge: 0,
    maintenance: 1,
    "read-only": 1,
    "disabled-feature": 2,
    "write-journal": 0,
    "emergency-cache": 1,
    "security-log": 0,
  });
});

it("reads the entries that name clients as they were written", ({ expect }) => {
  const written = golden("policy-1-networks");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  const loaded = loadPolicy(read.value);
  expect([loaded.unknownEntries, countsOf(loaded)["block-networks"]]).toEqual([0, 2]);
  // The site's one network and the lease's three.
  expect(loaded.clients?.networks.networks).toBe(4);
});

it("reads lists and the name of their table as they were written", ({ expect }) => {
  const written = golden("policy-1-lists");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  expect(networksBlobOf(read.value)).toEqual({
    sha256: "3f0a".repeat(16),
    bytes: 935_408,
    count: 100_000,
  });
  // Understood, but without the table that allows nobody may be blocked.
  expect(loadPolicy(read.value)).toMatchObject({
    isWhole: false,
    clients: null,
    unknownEntries: 3,
  });
  const blocking = read.value.entries.slice(1);
  expect(loadPolicy({ ...read.value, entries: blocking })).toMatchObject({
    unknownEntries: 1,
    entries: { "block-networks": [{ entry: { id: "list_tor" } }] },
  });
});

it("reads a lease that names a list, and leaves it alone without the list's table", ({
  expect,
}) => {
  const written = golden("policy-1-leased-list");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  const [lease] = read.value.entries.flatMap((entry) => knownEntry(entry, []) ?? []);
  expect(lease?.clients).toMatchObject({ list: "attackers", isListed: false });
  expect(loadPolicy(read.value)).toMatchObject({ unknownEntries: 2, clients: null });
});

it("reads a lease that spares whom a list names as it was written", ({ expect }) => {
  const written = golden("policy-1-leased-allow");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  const [lease] = read.value.entries.flatMap((entry) => knownEntry(entry, []) ?? []);
  expect(lease).toMatchObject({
    kind: "allow-networks",
    clients: { list: "friends", asns: [64_501], countries: ["NL"], isListed: false },
  });
});

it("reads limits, leased and standing, as they were written", ({ expect }) => {
  const written = golden("policy-1-limits");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  const { unknownEntries, limits } = loadPolicy(read.value);
  expect(unknownEntries).toBe(0);
  expect(limits?.all.map(({ entry, limit }) => [entry.id, limit.accuracy, limit.penalty])).toEqual([
    ["lse_3kq0v1b9", "shared", null],
    ["site:sign-in", "strict", { firstMs: 60_000, maxMs: 3_600_000, forgetMs: 7_200_000 }],
  ]);
});

it("reads the entries for production's SDK as they were written, and counts them as understood", ({
  expect,
}) => {
  const written = golden("policy-1-sdk");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  expect(read.value.entries.map(({ kind }) => kind)).toEqual(Object.keys(SDK_ACTIONS).toSorted());
  for (const entry of read.value.entries) {
    expect(isForSdk(entry.kind) && sdkAction(entry.kind, entry)).toEqual(entry.action);
  }
  expect(loadPolicy(read.value).unknownEntries).toBe(0);
  const later = {
    ...read.value,
    entries: [anEntry({ kind: "query-cache", match: { hosts: [] } })],
  };
  // A guard knows the name; the SDK it is for says what it does not understand.
  expect(loadPolicy(later).unknownEntries).toBe(0);
  expect(later.entries.map((entry) => sdkAction("query-cache", entry))).toEqual([null]);
});

it("reads challenges as they were written, and gives defaults to terms that are newer", ({
  expect,
}) => {
  const written = golden("policy-1-challenge");
  const read = readPolicy(written);
  expect(read).toMatchObject({ ok: true, value: Object(written) });
  if (!read.ok) return;
  const { unknownEntries, entries } = loadPolicy(read.value);
  expect([unknownEntries, entries.challenge.map(({ challenge }) => challenge)]).toEqual([
    0,
    [
      {
        difficulty: 15,
        provider: "turnstile",
        waitSeconds: 30,
        clearanceSeconds: 900,
        isStrict: true,
      },
      {
        difficulty: 14,
        provider: "work",
        waitSeconds: 20,
        clearanceSeconds: 3_600,
        isStrict: false,
      },
    ],
  ]);
});

it("reads a policy from before the settings grew", ({ expect }) => {
  expect(readPolicy(golden("policy-1-first"))).toMatchObject({
    ok: true,
    value: { settings: { clientAddress: "cloudflare", title: "This site", pollMs: 5_000 } },
  });
});

it("keeps kinds of a later version and drops fields that it does not know", ({ expect }) => {
  const read = readPolicy(golden("policy-1-later"));
  expect(read).toMatchObject({
    ok: true,
    value: { entries: [{ kind: "kind-of-a-later-version" }] },
  });
  expect(JSON.stringify(read)).not.toContain("signature");
});

it.for([
  ["another format", { ...aPolicy(), format: 2 }, "unknown_format"],
  ["no format", { ...aPolicy(), format: undefined }, "malformed"],
  ["nothing", null, "malformed"],
  ["an HTML page", "<!doctype html>", "malformed"],
  ["a negative share", aPolicy({ entries: [anEntry({ share: -1 })] }), "malformed"],
  ["an entry that is not one", { ...aPolicy(), entries: [{}] }, "malformed"],
  ["a seq that goes backwards by type", { ...aPolicy(), seq: { epoch: "1", n: 1 } }, "malformed"],
] as const)("refuses %s", ([, wire, reason], { expect }) => {
  expect(readPolicy(wire)).toEqual({ ok: false, error: reason });
});
