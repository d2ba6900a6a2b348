/** What blocks and limits share when the app itself says what they are, instead of a policy. */
import type { Context } from "hono";
import * as z from "zod";
import { defaultSettings, type GuardSettings } from "../../policy/policy.ts";
import { NO_KEY } from "../challenge/clearance.ts";
import { answerFor } from "../answers.ts";
import type { Decision } from "../decide.ts";
import { decideFully } from "../decide-fully.ts";
import { readFacts, type RequestFacts } from "../facts.ts";
import { parseCidr } from "../ip/cidr.ts";
import type { Meter } from "../limits/meter.ts";
import type { LoadedPolicy } from "../loaded-policy.ts";

const network = z.string().superRefine((text, ctx) => {
  const parsed = parseCidr(text);
  if (!parsed.ok) ctx.addIssue({ code: "custom", message: `${text} ${parsed.error}` });
});

/** Without a default: where nobody stands in front of the app, clients write any header themselves. */
const SAY_WHO_WRITES_IT =
  'write clientAddress: "cloudflare" where Cloudflare is what clients connect to, { header } behind a proxy of yours, or else "none"';

export const standingWords = {
  /** How the client's address is known: Cloudflare's header, a header set by a proxy you run, or not at all. Only the app knows. */
  clientAddress: z.union(
    [z.enum(["cloudflare", "none"]), z.strictObject({ header: z.string().min(1).max(60) })],
    { error: SAY_WHO_WRITES_IT },
  ),
  /** Networks that are never concerned. */
  allowlist: z.array(network).max(256).default([]),
  /** Bots that Cloudflare has verified are not concerned. */
  spareVerifiedBots: z.boolean().default(true),
  title: z.string().min(1).max(120).default("This site"),
  contact: z.string().max(200).optional(),
} as const;
const standing = z.object(standingWords);
export type StandingWords = z.output<typeof standing>;

export function standingSettings(given: StandingWords): Partial<GuardSettings> {
  const { clientAddress, allowlist, spareVerifiedBots, title, contact = null } = given;
  const { messages } = defaultSettings();
  return {
    clientAddress,
    allowlist,
    protectedClasses: { ownMonitors: true, verifiedBots: spareVerifiedBots, webhookRoutes: [] },
    title,
    messages: { ...messages, contact },
  };
}

/** Decides with the guard's own function; the answer is null when the request may go on. */
export async function decideStanding(
  c: Context,
  loaded: LoadedPolicy,
  meterFor: (facts: RequestFacts) => Meter,
): Promise<{
  readonly response: Response | null;
  readonly decision: Decision;
  readonly meter: Meter;
}> {
  const nowMs = Date.now();
  const { settings } = loaded.policy;
  const facts = readFacts(c.req.raw, settings, null);
  const meter = meterFor(facts);
  const snapshot = { loaded, confirmedAtMs: nowMs };
  const decision = await decideFully(c.req.raw, facts, {
    snapshot,
    nowMs,
    meter,
    clearance: () => NO_KEY,
  });
  const { enforced, limited } = decision;
  const response =
    enforced === null ? null : answerFor(c.req.raw, { enforced, limited, settings, nowMs });
  return { response, decision, meter };
}
