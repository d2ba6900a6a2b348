/** Cloudflare's API as acts reach it: the stand-in, and the product's client of it. */
import {
  cloudflareApi,
  type CloudflareApiOptions,
  type CloudflareState,
} from "../../../dev/vendors/cloudflare-api.ts";
import { startVendors } from "../../../dev/vendors.ts";
import type { Call } from "../../../dev/vendors/vendor.ts";
import type { CloudflareReach, Reach } from "../../../src/mitigations/actuator.ts";
import { createCloudflare, type Cloudflare } from "../../../src/platform/cloudflare.ts";
import { err } from "../../../src/shared/result.ts";
import type { ChangeFault } from "../../contract/act.ts";
import { keep } from "../../support/servers.ts";

export const ONSET_MS = Date.parse("2026-11-25T12:00:00Z");
export const TOKEN = "token-of-the-test-0123456789";
const MINUTE = 60_000;

/** So many minutes before the harm began. */
export const before = (minutes: number): string =>
  new Date(ONSET_MS - minutes * MINUTE).toISOString();

const FAULTS: Readonly<Record<ChangeFault, string>> = {
  "429": "429",
  "5xx": "5xx",
  "403": "403",
  timeout: "timeout",
  answer_lost: "duplicate",
};

const nobody = async () => err({ class: "unknown_outcome", detail: "nobody" } as const);
export const reachWith = (cloudflare: CloudflareReach | null): Reach => ({
  instance: "shop.test",
  canSign: true,
  policy: { put: nobody, get: nobody, remove: nobody },
  cloudflare,
  neon: null,
  credentials: null,
  sessions: null,
  postgres: null,
});

export async function vendor(
  initial: CloudflareState,
  given: Pick<CloudflareApiOptions, "bulkMs"> = {},
) {
  const deployed: string[] = [];
  const server = keep(
    await startVendors({
      vendors: [
        cloudflareApi({
          accountId: "acc",
          zoneId: "zone",
          token: TOKEN,
          initial,
          ...given,
          onDeploy: (_, id) => void deployed.push(id),
        }),
      ],
    }),
  );
  const control = async (method: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${server.url}/__vendor/cloudflare-api`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(await response.text());
    return method === "GET" ? response.json() : null;
  };
  const look = async () =>
    (await control("GET")) as { readonly state: CloudflareState; readonly calls: readonly Call[] };
  const base = `${server.url}/cloudflare-api`;
  const client = (baseUrl = base, token = TOKEN, now?: () => number): Cloudflare =>
    createCloudflare({ baseUrl, accountId: "acc", token, timeoutMs: 500 }, now);
  const reach = (given: Partial<CloudflareReach> = {}): Reach =>
    reachWith({
      api: client(),
      worker: "shop",
      pagesProject: "site",
      zoneId: "zone",
      own: { scripts: ["firebreak"], versionId: "own-version" },
      spared: ["203.0.113.7/32"],
      exempt: {
        routes: ["/_firebreak/*", "/webhooks/stripe"],
        hosts: ["origin.shop.example"],
        bots: true,
      },
      now: Date.now,
      ...given,
    });
  return {
    /** Versions that went live by a call, in order. */
    deployed,
    state: async () => (await look()).state,
    calls: async () => (await look()).calls,
    set: async (state: CloudflareState): Promise<void> => void (await control("PUT", state)),
    fail: async (fault: ChangeFault): Promise<void> =>
      void (await control("POST", { kind: FAULTS[fault], method: "POST" })),
    /** The next call that changes anything, by whatever method: reads are let through. */
    failNextWrite: async (fault: ChangeFault): Promise<void> =>
      void (await control("POST", { kind: FAULTS[fault], method: "WRITE" })),
    failNext: async (fault: ChangeFault, method: string): Promise<void> =>
      void (await control("POST", { kind: FAULTS[fault], method })),
    /** As any client of the vendor would, past ours. */
    ask: (path: string, method = "GET", body?: unknown) =>
      fetch(`${base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${TOKEN}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    client,
    reach,
    strangers: reach({ api: client(base, "wrong") }),
    unreachable: reach({ api: client("http://127.0.0.1:1") }),
  };
}
