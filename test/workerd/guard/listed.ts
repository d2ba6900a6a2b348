/** A site with lists: its real policy object, its API, and isolates that guard it. */
import { env } from "cloudflare:workers";
import { onTestFinished, vi } from "vitest";
import { assembleGuard } from "../../../src/guard/assemble.ts";
import { NO_CACHE, type PolicyCache } from "../../../src/guard/policy-cache.ts";
import { Snapshots, type PolicyReader } from "../../../src/guard/snapshots.ts";
import { networksBlobOf } from "../../../src/policy/blobs.ts";
import type { PolicyApi } from "../../../src/policy/policy-api.ts";
import { client } from "../http/api.ts";

export const HOUR_MS = 3_600_000;

export function site() {
  const background: Promise<unknown>[] = [];
  onTestFinished(async () => void (await Promise.all(background)));
  const name = crypto.randomUUID();
  const stub = env.TEST_POLICY.getByName(name);
  const policy: PolicyApi = stub;
  const ask = client({ policy });
  const put = async (list: string, text: string, query = "action=block&reason=a&for=1h") => {
    const answer = await ask(`/api/v1/networks/${list}?${query}`, {
      method: "PUT",
      body: text,
      headers: { "content-type": "text/plain" },
    });
    if (answer.status !== 200) throw new Error(await answer.text());
  };
  /** A fresh isolate. */
  const isolate = (reader: PolicyReader = policy) => {
    const guard = assembleGuard({
      isOff: false,
      origin: async () => new Response("production"),
      ownRoutes: async () => new Response("own"),
      policy: () => reader,
      traffic: () => ({ flush: async () => undefined }),
      // Of a location of its own: a copy may be a poll old.
      limiter: null,
      policyId: crypto.randomUUID(),
      signingKeys: undefined,
      journal: { journal: () => null, secret: () => undefined },
    });
    return async (address: string, cf: CfProperties = {}): Promise<number> => {
      const headers = { "cf-connecting-ip": address };
      const request = new Request<unknown, CfProperties>("https://shop.example/", { headers, cf });
      const answer = await guard(request, {
        waitUntil: (promise) => void background.push(promise),
      });
      return answer.status;
    };
  };
  /** What an isolate holds, by another way in. */
  const snapshots = (reader: PolicyReader, cache: PolicyCache = NO_CACHE) => {
    const refusals: string[] = [];
    const pending: Promise<unknown>[] = [];
    const held = new Snapshots({
      reader: () => reader,
      cache,
      onTableRefusal: (why) => void refusals.push(why),
      random: () => 1,
    });
    const current = () => held.current((promise) => void pending.push(promise));
    return { current, refusals, idle: () => Promise.all(pending) };
  };
  const tableName = async (): Promise<string> => {
    const { policy: now } = await policy.read(null);
    const blob = now === null ? null : networksBlobOf(now);
    if (blob === null) throw new Error("no table");
    return blob.sha256;
  };
  return { name, stub, policy, ask, put, isolate, snapshots, tableName };
}

export function atTime(): (laterMs: number) => void {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return (laterMs) => vi.setSystemTime(startMs + laterMs);
}
