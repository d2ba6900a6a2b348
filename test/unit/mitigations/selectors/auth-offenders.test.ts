import { describe, it } from "vitest";
import {
  chooseOffenders,
  NAMED_MAX,
} from "../../../../src/mitigations/selectors/auth-offenders.ts";
import { selectors } from "../../../../src/mitigations/selectors/registry.ts";
import { mergeSignIns } from "../../../../src/traffic/sign-in-figures.ts";
import { SignInMemory } from "../../../../src/traffic/sign-in-memory.ts";
import type { SignInParty, SignInReport } from "../../../../src/traffic/traffic-api.ts";
import { failedAt, openedAt } from "../../../support/sign-ins.ts";

const NOW = 100_000;
const TERMS = { accounts_min: 5 };
const failed = failedAt(NOW);
const opened = openedAt(NOW);
const tries = (address: string, accounts: number): SignInReport[] =>
  Array.from({ length: accounts }, (_, index) => failed(address, `account-${index}`));
const signsIn = (address: string, accounts: number): SignInReport[] =>
  Array.from({ length: accounts }, (_, index) => opened(address, `colleague-${index}`));

function chosen(signIns: readonly SignInReport[], allowlist: readonly string[] = []) {
  const memory = new SignInMemory();
  memory.add(signIns, NOW);
  return chooseOffenders({ window: memory.window(NOW), allowlist }, TERMS);
}

describe("who tries passwords", () => {
  it.for([
    ["192.0.2.7", "IPv4"],
    ["2001:db8:1:2::/64", "the /64 of an IPv6 subscriber"],
  ] as const)("is named: %s, %s", ([address], { expect }) => {
    expect(chosen(tries(address, 5))).toMatchObject({
      kind: "selected",
      picked: { networks: [address] },
      says: `${address}: each tried 5 accounts or more, and opened next to none`,
    });
  });

  it("is named although a stolen password was right", ({ expect }) => {
    expect(chosen([...tries("192.0.2.7", 12), opened("192.0.2.7", "found")])).toMatchObject({
      picked: { networks: ["192.0.2.7"] },
    });
  });

  it.for([
    ["one account less", tries("192.0.2.7", 4), [], "no_excess"],
    ["nobody at all", [], [], "no_excess"],
    [
      "people behind one address",
      [...tries("192.0.2.7", 5), ...signsIn("192.0.2.7", 3)],
      [],
      "would_hit_regulars",
    ],
    ["whom the site spares", tries("192.0.2.7", 9), ["192.0.2.0/24"], "would_hit_regulars"],
    ["what is no address", tries("somewhere", 9), [], "would_hit_regulars"],
  ] as const)("is not named: %s", ([, signIns, allowlist, because], { expect }) => {
    expect(chosen(signIns, allowlist)).toMatchObject({ kind: "nobody", because });
  });

  it("who tried most comes first, and no more than a lease takes are named", ({ expect }) => {
    const party = (index: number): SignInParty => ({
      name: `10.${Math.floor(index / 250)}.0.${index % 250}`,
      failed: index,
      lastFailedSecond: NOW,
      others: Array.from({ length: 6 }, (_, other) => ({
        name: `account-${other}`,
        failed: 1,
        lastFailedSecond: NOW,
        lastSucceededSecond: 0,
      })),
    });
    const addresses = Array.from({ length: NAMED_MAX + 100 }, (_, index) => party(index));
    const selection = chooseOffenders({ window: { addresses }, allowlist: [] }, TERMS);
    if (selection.kind !== "selected") throw new Error(selection.says);
    expect(selection.picked["networks"]).toHaveLength(NAMED_MAX);
    expect(selection.picked["networks"]?.[0]).toBe(party(NAMED_MAX + 99).name);
  });

  it("is not told while a shard that might know is silent", async ({ expect }) => {
    const traffic = {
      talkers: () => Promise.reject(new Error("nobody is asked")),
      conduct: () => Promise.reject(new Error("nobody is asked")),
      signIns: async () => ({ ...mergeSignIns([]), silentShards: 1 }),
    };
    const asked = { options: {}, atMs: NOW * 1_000, onsetAtMs: NOW * 1_000, already: {} };
    expect(await selectors["auth-offenders"].select(asked, { traffic, allowlist: [] })).toEqual({
      ok: false,
      error: { class: "retry", detail: "1 shards of the counters did not answer" },
    });
  });
});
