/** Neon's control API as actuators reach it: the stand-in, and the product's client of it. */
import { neonApi, type NeonApiOptions } from "../../../dev/vendors/neon-api.ts";
import type { NeonState } from "../../../dev/vendors/neon-shapes.ts";
import { startVendors } from "../../../dev/vendors.ts";
import type { Call } from "../../../dev/vendors/vendor.ts";
import type { NeonReach, Reach } from "../../../src/mitigations/actuator.ts";
import { createNeon, type Neon } from "../../../src/platform/neon.ts";
import type { ChangeFault } from "../../contract/act.ts";
import { keep } from "../../support/servers.ts";
import { reachWith } from "./cloudflare.ts";

export const KEY = "napi_key-of-the-test-0123456789";
const PROJECT = "shop-project";

const FAULTS: Readonly<Record<ChangeFault, string>> = {
  "429": "429",
  "5xx": "5xx",
  "403": "403",
  timeout: "timeout",
  answer_lost: "duplicate",
};

export async function vendor(
  given: Pick<NeonApiOptions, "initial" | "operationMs" | "runCompute"> = {},
) {
  const server = keep(
    await startVendors({
      vendors: [neonApi({ projectId: PROJECT, key: KEY, operationMs: 0, ...given })],
    }),
  );
  const control = async (method: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${server.url}/__vendor/neon-api`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(await response.text());
    return method === "GET" ? response.json() : null;
  };
  const look = async () =>
    (await control("GET")) as { readonly state: NeonState; readonly calls: readonly Call[] };
  const base = `${server.url}/neon-api`;
  const client = (baseUrl = base, key = KEY, now?: () => number): Neon =>
    createNeon({ baseUrl, projectId: PROJECT, key, timeoutMs: 500 }, now);
  const reach = (changes: Partial<NeonReach> = {}): Reach => ({
    ...reachWith(null),
    neon: {
      api: client(),
      branchId: null,
      cleanAtMs: async () => null,
      now: Date.now,
      ...changes,
    },
  });
  return {
    base,
    client,
    reach,
    unreachable: reach({ api: client("http://127.0.0.1:1") }),
    state: async () => (await look()).state,
    calls: async () => (await look()).calls,
    set: async (state: NeonState): Promise<void> => void (await control("PUT", state)),
    fail: async (kind: string, method?: string): Promise<void> =>
      void (await control("POST", { kind, ...(method === undefined ? {} : { method }) })),
    failNextChange: async (fault: ChangeFault): Promise<void> =>
      void (await control("POST", { kind: FAULTS[fault], method: "POST" })),
    /** The next call that changes anything, by whatever method: reads are let through. */
    failNextWrite: async (fault: ChangeFault): Promise<void> =>
      void (await control("POST", { kind: FAULTS[fault], method: "WRITE" })),
    /** As any client of the vendor would, past ours. */
    ask: (path: string, init: { method?: string; body?: unknown; key?: string } = {}) =>
      fetch(`${base}/projects/${PROJECT}${path}`, {
        method: init.method ?? "GET",
        headers: {
          authorization: `Bearer ${init.key ?? KEY}`,
          ...(init.body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      }),
  };
}
