/** Puts the guard together for an entry point: one per isolate, told where production, policy and counters are. */
import type { TrafficApi } from "../traffic/traffic-api.ts";
import { guardRequest, type GuardContext } from "./guard.ts";
import { locationCache } from "./policy-cache.ts";
import { readSigningKeys } from "./signed.ts";
import { Snapshots, type PolicyReader } from "./snapshots.ts";
import { Telemetry } from "./telemetry.ts";

/** Faults come in floods; one line in this time says enough. */
export const FAULT_LOG_INTERVAL_MS = 10_000;

export type GuardParts = {
  readonly isOff: boolean;
  readonly origin: (request: Request) => Promise<Response>;
  readonly ownRoutes: (request: Request) => Promise<Response>;
  /** Called per use: stubs belong to the request that made them. */
  readonly policy: () => PolicyReader;
  readonly traffic: () => Pick<TrafficApi, "flush">;
  /** The policy object's id: what tells two instances apart that share a zone's cache. */
  readonly policyId: string;
  /** The secret as configured; a malformed one is logged, and then no token is valid. */
  readonly signingKeys: string | undefined;
};

export type Guard = (request: Request, ctx: GuardContext) => Promise<Response>;

export function assembleGuard(parts: GuardParts): Guard {
  const keys = readSigningKeys(parts.signingKeys);
  if (!keys.ok) console.error(`guard: ${keys.error}; bypass and probe tokens are refused`);
  const deps = {
    isOff: parts.isOff,
    origin: parts.origin,
    ownRoutes: parts.ownRoutes,
    snapshots: new Snapshots({
      reader: parts.policy,
      cache: locationCache(parts.policyId),
      random: Math.random,
    }),
    telemetry: new Telemetry({ traffic: parts.traffic, newIsolateId: () => crypto.randomUUID() }),
    keys: keys.ok ? keys.value : [],
    onFault: faultLog(),
  };
  return (request, ctx) => guardRequest(request, deps, ctx);
}

/** Production behind a service binding, or at a URL whose path, query and method are the visitor's. */
export function originOf(
  binding: Fetcher | undefined,
  url: string | undefined,
): (request: Request) => Promise<Response> {
  if (binding !== undefined) return (request) => binding.fetch(request);
  if (url === undefined) return async () => new Response(NO_ORIGIN, { status: 502 });
  const base = new URL(url);
  return (request) => {
    const target = new URL(request.url);
    target.protocol = base.protocol;
    target.host = base.host;
    return fetch(new Request(target, request));
  };
}

const NO_ORIGIN = "Firebreak has no ORIGIN: bind the production Worker, or set ORIGIN_URL.\n";

function faultLog(): (fault: unknown) => void {
  let quietUntilMs = 0;
  return (fault) => {
    const nowMs = Date.now();
    if (nowMs < quietUntilMs) return;
    quietUntilMs = nowMs + FAULT_LOG_INTERVAL_MS;
    console.error("guard: a fault of the guard's own; production was served all the same", {
      fault: String(fault),
    });
  };
}
