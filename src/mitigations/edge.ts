/** What mitigations at Cloudflare's edge share: the zone that visitors come through, and what is missing to change it. */
import type { Cloudflare } from "../platform/cloudflare.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { EdgeExempt, Reach } from "./actuator.ts";

export type Edge = {
  readonly api: Cloudflare;
  readonly zone: string;
  readonly instance: string;
  /** Networks of the site's allowlist, which the edge does not know. */
  readonly spared: readonly string[];
  readonly exempt: EdgeExempt;
  readonly now: () => number;
};

export function edgeOf({ cloudflare, instance }: Reach): Result<Edge, Refusal> {
  const zone = cloudflare?.zoneId ?? null;
  if (cloudflare === null || zone === null) return refuse(missingEdge({ cloudflare }) ?? "");
  const { api, spared, exempt, now } = cloudflare;
  return ok({ api, zone, instance, spared, exempt, now });
}

export function missingEdge({ cloudflare }: Pick<Reach, "cloudflare">): string | null {
  if (cloudflare === null) return "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not set";
  return cloudflare.zoneId === null ? "CLOUDFLARE_ZONE_ID is not set" : null;
}

export type Refusal = { readonly class: "refuse"; readonly detail: string };
export const refuse = (detail: string): Result<never, Refusal> => err({ class: "refuse", detail });
