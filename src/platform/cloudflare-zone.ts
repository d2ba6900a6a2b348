/** What a zone is: the plan that decides what its rules may say, and how suspicious it is of everybody. */
import { z } from "zod";
import { ok, type Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";

export const PLANS = ["free", "pro", "business", "enterprise"] as const;
export type ZonePlan = (typeof PLANS)[number];
type Answer<T> = Promise<Result<T, CloudflareFailure>>;

const zone = z.object({ plan: z.object({ legacy_id: z.string() }) });

/** A plan that nobody here knows is taken for the one that allows least. */
export async function readPlan({ call }: Cloudflare, zoneId: string): Answer<ZonePlan> {
  const answer = await call({ method: "GET", zone: zoneId, path: "", result: zone });
  if (!answer.ok) return answer;
  const { legacy_id: id } = answer.value.plan;
  return ok(PLANS.find((plan) => plan === id) ?? "free");
}

/** Everybody meets a page that a browser solves and a program does not. */
export const UNDER_ATTACK = "under_attack";
const LEVELS = ["off", "essentially_off", "low", "medium", "high", UNDER_ATTACK] as const;
export const securityLevel = z.enum(LEVELS);
export type SecurityLevel = z.infer<typeof securityLevel>;

const setting = z.object({ value: securityLevel }).transform(({ value }) => value);
const LEVEL = "/settings/security_level";

export const readSecurityLevel = ({ call }: Cloudflare, zoneId: string): Answer<SecurityLevel> =>
  call({ method: "GET", zone: zoneId, path: LEVEL, result: setting });

/** For the whole zone. Asking twice is asking once. */
export const setSecurityLevel = (
  { call }: Cloudflare,
  zoneId: string,
  value: SecurityLevel,
): Answer<SecurityLevel> =>
  call({ method: "PATCH", zone: zoneId, path: LEVEL, body: { value }, result: setting });
