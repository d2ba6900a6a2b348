/** What Cloudflare counted: how production's invocations ended, and who came to its edge. From a sample, and complete only after a minute or two. */
import { z } from "zod";
import { ok, type Result } from "../shared/result.ts";
import type { Cloudflare, CloudflareFailure } from "./cloudflare.ts";

export const OUTCOMES_MAX = 100;

const QUERY = `query FirebreakInvocations($account: string!, $script: string!, $from: Time!, $to: Time!) {
  viewer {
    accounts(filter: { accountTag: $account }) {
      workersInvocationsAdaptive(
        limit: ${OUTCOMES_MAX}
        filter: { scriptName: $script, datetime_geq: $from, datetime_lt: $to }
      ) {
        sum { requests errors }
        dimensions { scriptVersion status }
      }
    }
  }
}`;

const count = z.number().nonnegative();
const label = z.string().max(100).catch("unknown");
const account = z.looseObject({
  workersInvocationsAdaptive: z
    .array(
      z.looseObject({
        sum: z.looseObject({ requests: count, errors: count }),
        dimensions: z.looseObject({ scriptVersion: label, status: label }),
      }),
    )
    .max(OUTCOMES_MAX),
});

/** `outcome` is Cloudflare's own word, such as `success`, `scriptThrewException`, `exceededResources`, `clientDisconnected`. */
export type Invocations = {
  readonly versionId: string;
  readonly outcome: string;
  readonly requests: number;
  readonly errors: number;
};

/** Of one Worker in [fromMs, toMs), one row for each version and outcome, the most frequent first. */
export async function readInvocations(
  { analytics }: Cloudflare,
  asked: { readonly script: string; readonly fromMs: number; readonly toMs: number },
): Promise<Result<readonly Invocations[], CloudflareFailure>> {
  const answer = await analytics({
    query: QUERY,
    variables: {
      script: asked.script,
      from: new Date(asked.fromMs).toISOString(),
      to: new Date(asked.toMs).toISOString(),
    },
    of: "accounts",
    found: account,
  });
  if (!answer.ok) return answer;
  const rows = answer.value.workersInvocationsAdaptive.map(({ sum, dimensions }) => ({
    versionId: dimensions.scriptVersion,
    outcome: dimensions.status,
    ...sum,
  }));
  return ok(rows.toSorted((a, b) => b.requests - a.requests));
}

const VISITS = `query FirebreakVisits($zone: string!, $from: Time!, $to: Time!) {
  viewer {
    zones(filter: { zoneTag: $zone }) {
      httpRequestsAdaptiveGroups(
        limit: 1
        filter: { datetime_geq: $from, datetime_lt: $to, requestSource: "eyeball" }
      ) {
        count
      }
    }
  }
}`;
const zone = z.looseObject({
  httpRequestsAdaptiveGroups: z.array(z.looseObject({ count })).max(1),
});

/** Requests that came to the zone from outside in [fromMs, toMs), whatever was answered and by whom. Nobody is no group at all. */
export async function readVisits(
  { analytics }: Cloudflare,
  asked: { readonly zoneId: string; readonly fromMs: number; readonly toMs: number },
): Promise<Result<number, CloudflareFailure>> {
  const answer = await analytics({
    query: VISITS,
    variables: {
      zone: asked.zoneId,
      from: new Date(asked.fromMs).toISOString(),
      to: new Date(asked.toMs).toISOString(),
    },
    of: "zones",
    found: zone,
  });
  return answer.ok ? ok(answer.value.httpRequestsAdaptiveGroups[0]?.count ?? 0) : answer;
}
