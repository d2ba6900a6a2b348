/** Many visitors through the parts of one isolate that remember any of them: facts, decision, limits, counters. */
import { decide } from "../../src/guard/decide.ts";
import { readFacts, type RequestLike } from "../../src/guard/facts.ts";
import { Telemetry } from "../../src/guard/telemetry.ts";
import { FULL } from "../burden.ts";
import { countersHere, fullSnapshot } from "../full-snapshot.ts";

/** More than one visitor of a network needs. */
const ALLOWANCE = { limit: 100_000, windowMs: 1_000 };
const NO_HEADERS: readonly string[] = [];

let isolate: ((at: number) => void) | null = null;

/** `?from=…&count=…`: visitors by number, each with an address of its own. */
export default {
  async fetch(request): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const from = Number(searchParams.get("from"));
    const until = from + Number(searchParams.get("count"));
    isolate ??= makeIsolate();
    for (let at = from; at < until; at += 1) isolate(at);
    return new Response("ok");
  },
} satisfies ExportedHandler;

function makeIsolate(): (at: number) => void {
  const snapshot = fullSnapshot(Date.now(), { ...FULL, counting: 2 }, ALLOWANCE);
  const { limits, policy } = snapshot.loaded;
  if (limits === null) throw new Error("the limits are not enforced");
  const counters = countersHere();
  const telemetry = new Telemetry({
    traffic: () => ({ flush: async () => undefined }),
    shards: () => 1,
    newIsolateId: () => "one",
  });
  // What goes on behind the answers needs no time of these.
  const waitUntil = (): void => undefined;
  const terms = { shards: policy.settings.limiterShards, waitUntil };
  return (at) => {
    const facts = readFacts(visitor(at), policy.settings, null);
    const meter = counters.meter(facts, limits, terms);
    const { verdict, shadowedIds } = decide(facts, snapshot, Date.now(), meter);
    const outcome =
      verdict.action === "serve"
        ? ({ kind: "served", latencyMs: at % 100, status: 200 } as const)
        : ({ kind: "refused", reason: verdict.reason } as const);
    const counted = { outcome, facts, policySeq: "1.1", shadowedIds, refusedBy: verdict.entryId };
    telemetry.record(
      { ...counted, unknownEntries: 0, isFault: false, isLogged: false },
      Date.now(),
      waitUntil,
    );
  };
}

/** Scattered over all of IPv4, as the addresses of a flood are. */
function visitor(at: number): RequestLike {
  const word = Math.imul(at, 0x9e37_79b1) >>> 0;
  const octets = [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255];
  const address = octets.join(".");
  return {
    method: "GET",
    url: `https://shop.example/shop/products/${at % 1_000}`,
    headers: {
      get: (name) => (name === "cf-connecting-ip" ? address : null),
      keys: () => NO_HEADERS,
    },
    cf: { asn: 1 + (at % 60_000), country: "NL" },
  };
}
