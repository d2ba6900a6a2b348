/** What an isolate of a full guard holds, put together without a control side. Runs in Node and in workerd. */
import { parseCidr } from "../src/guard/ip/cidr.ts";
import { readIpSet } from "../src/guard/ip/read-ip-set.ts";
import { Counters } from "../src/guard/limits/counters.ts";
import { loadPolicy, type Snapshot } from "../src/guard/loaded-policy.ts";
import { LeaseTable } from "../src/limiter/lease.ts";
import type { Lease, LeaseAsk } from "../src/limiter/limiter-api.ts";
import { compileNetworks, type NetworkEntry } from "../src/policy/networks.ts";
import { guardSettings, POLICY_FORMAT, type PolicyEntry } from "../src/policy/policy.ts";
import { sure } from "../src/shared/shape.ts";
import { ENTRY, LIFE_MS, limitEntries, type Allowance, type Burden } from "./burden.ts";
import { networksOfOthers } from "./networks.ts";

/** `allowance` is each limit's: where visitors come faster than any do in life, it must be more than the usual one. */
export function fullSnapshot(nowMs: number, burden: Burden, allowance: Allowance): Snapshot {
  // A module that is loaded in a Worker has no clock.
  const expiresAtMs = nowMs + LIFE_MS;
  const compiled = compileNetworks({
    entries: networksOfOthers(burden.networks).map((text) => blocking(text, expiresAtMs)),
    nowMs,
  });
  if (!compiled.ok) throw new Error(compiled.error);
  const set = readIpSet(compiled.value);
  if (!set.ok) throw new Error(set.error);
  const entries = [BLOCKED, ...limitEntries(burden, allowance)];
  const policy = {
    format: POLICY_FORMAT,
    instance: "shop.test",
    seq: { epoch: 1, n: 1 },
    compiledAtMs: nowMs,
    staleAfterMs: 900_000,
    settings: sure(guardSettings, { title: "The Shop", pollMs: 5_000 }),
    entries: entries.map((entry) => ({ ...entry, expiresAtMs })),
    blobs: {},
  };
  const loaded = loadPolicy(policy, { sha256: "bench", set: set.value });
  if (loaded.clients === null || loaded.limits?.all.length !== burden.rules) {
    throw new Error("the policy is not enforced");
  }
  return { loaded, confirmedAtMs: nowMs };
}

const BLOCKED: PolicyEntry = {
  ...ENTRY,
  id: "list_bench",
  kind: "block-networks",
  match: { listed: true },
};

const blocking = (text: string, expiresAtMs: number): NetworkEntry => {
  const network = parseCidr(text);
  if (!network.ok) throw new Error(`${text} ${network.error}`);
  return {
    network: network.value,
    entryId: BLOCKED.id,
    action: "block",
    expiresAtMs,
  };
};

/** An isolate's counters, whose shards are near. */
export function countersHere(): Counters {
  const table = new LeaseTable();
  const lease = async (isolate: number, asks: readonly LeaseAsk[]): Promise<readonly Lease[]> =>
    asks.map((ask) => table.lease(isolate, ask, Date.now()));
  const take = (): never => {
    throw new Error("no limit here is strict");
  };
  return new Counters({ shard: () => ({ lease, take }), newIsolateId: () => 1 });
}
