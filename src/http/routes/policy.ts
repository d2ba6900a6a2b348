/** What guards enforce now. */
import { createRoute, z } from "@hono/zod-openapi";
import { POLICY_HEADER } from "../../guard/verdict.ts";
import { networksBlobOf } from "../../policy/blobs.ts";
import { POLICY_HEADER_MS_MAX } from "../../policy/policy-api.ts";
import { compareSeq, formatSeq } from "../../policy/policy.ts";
import { enforcementLagMs, readSeq, type PolicyVersion } from "../../policy/receipts.ts";
import type { OfAllShards } from "../../traffic/shards.ts";
import type { TrafficWindow } from "../../traffic/traffic-api.ts";
import { KEPT_SECONDS } from "../../traffic/window.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";
import { durationBetween, moment, networkList, text } from "../schemas.ts";
import { iso } from "../times.ts";
import { presentList } from "./networks.ts";
import { say } from "../../shared/log.ts";

const policy = z
  .object({
    format: z.int(),
    instance: z.string(),
    /** `<epoch>.<n>`, as the guard's header carries it. */
    seq: z.string(),
    compiledAt: moment,
    staleAfterMs: z.int(),
    settings: z.record(z.string(), z.unknown()),
    /** Versions decided on in the last ten minutes, and the newest; the newest first. */
    receipts: z.array(
      z.object({
        seq: z.string(),
        /** Null: older than what is remembered. */
        compiledAt: moment.nullable(),
        /** Requests of the last ten minutes decided on it, and their share of all. */
        requests: z.int(),
        share: z.number().nullable(),
        /** From its compilation until 99 % of a second's requests were decided on it or newer; null: not yet, or not known. */
        enforcementLagMs: z.number().nullable(),
      }),
    ),
    /** False: some of what guards reported in that time is missing. */
    receiptsAreComplete: z.boolean(),
    entries: z.array(
      z.object({
        id: z.string(),
        kind: z.string(),
        owner: z.string(),
        reason: z.string(),
        match: z.record(z.string(), z.unknown()),
        action: z.record(z.string(), z.unknown()),
        mode: z.enum(["enforce", "shadow"]),
        fail: z.enum(["open", "closed"]),
        share: z.number(),
        expiresAt: moment,
      }),
    ),
    /** The table in which guards look listed networks up; null without any. */
    table: z.object({ sha256: z.string(), bytes: z.int(), count: z.int() }).nullable(),
    lists: z.array(networkList),
  })
  .openapi("Policy");

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/policy",
  tags: ["policy"],
  summary: "The policy that guards read",
  responses: { 200: answers(policy, "The policy"), ...problems },
});

const HEADER_MS_MIN = 60_000;
const named = z
  .object({
    header: z.string(),
    /** Null: it is off. */
    expiresAt: moment.nullable(),
  })
  .openapi("PolicyHeader");

const name = createRoute({
  ...forRole("admin"),
  method: "put",
  path: "/api/v1/policy/header",
  tags: ["policy"],
  summary: "Let every answer of the guard name the policy that it was decided on, for a while",
  request: {
    body: takes(
      z
        .strictObject({
          reason: text.max(500),
          for: durationBetween(HEADER_MS_MIN, POLICY_HEADER_MS_MAX),
        })
        .openapi("PolicyHeaderRequest"),
    ),
  },
  responses: { 200: answers(named, "In force"), ...problems },
});

const unname = createRoute({
  ...forRole("admin"),
  method: "delete",
  path: "/api/v1/policy/header",
  tags: ["policy"],
  summary: "End that before its time",
  responses: { 200: answers(named, "It is off"), ...problems },
});

export function policyRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(name, async (c) => {
    const { reason, for: forMs } = c.req.valid("json");
    const untilMs = deps.now() + forMs;
    await setHeader(deps, untilMs);
    log({ policyHeader: "on", by: c.var.caller.name, reason, expiresAt: iso(untilMs) });
    return c.json({ header: POLICY_HEADER, expiresAt: iso(untilMs) }, 200);
  });

  api.openapi(unname, async (c) => {
    await setHeader(deps, null);
    log({ policyHeader: "off", by: c.var.caller.name });
    return c.json({ header: POLICY_HEADER, expiresAt: null }, 200);
  });

  api.openapi(read, async (c) => {
    const untilSecond = Math.floor(deps.now() / 1_000);
    const [{ policy: now }, lists, versions, window] = await Promise.all([
      deps.policy.read(null),
      deps.policy.lists(),
      deps.policy.versions(),
      deps.traffic.window(KEPT_SECONDS, untilSecond),
    ]);
    if (now === null) throw new Problem("unavailable", "There is no policy yet.");
    return c.json(
      {
        format: now.format,
        instance: now.instance,
        seq: formatSeq(now.seq),
        compiledAt: iso(now.compiledAtMs),
        staleAfterMs: now.staleAfterMs,
        settings: { ...now.settings },
        receipts: receiptsOf(now, versions, window),
        receiptsAreComplete: window.silentShards === 0 && window.lostFlushes === 0,
        // Not the salt: who knows it knows who is let back in first.
        entries: now.entries.map((entry) => ({
          id: entry.id,
          kind: entry.kind,
          owner: entry.owner,
          reason: entry.reason,
          match: entry.match,
          action: entry.action,
          mode: entry.mode,
          fail: entry.fail,
          share: entry.share,
          expiresAt: iso(entry.expiresAtMs),
        })),
        table: networksBlobOf(now),
        lists: lists.map(presentList),
      },
      200,
    );
  });
}

/** Who let everybody see which policy decides, and why, must be findable afterwards. */
const log = (line: Readonly<Record<string, string>>): void =>
  say("info", { part: "policy", ...line });

async function setHeader({ policy: object }: HttpDeps, untilMs: number | null): Promise<void> {
  const set = await object.nameUntil(untilMs);
  if (!set.ok) throw new Problem("invalid-request", set.error.detail);
}

type Receipts = z.infer<typeof policy>["receipts"];

function receiptsOf(
  newest: PolicyVersion,
  versions: readonly PolicyVersion[],
  window: OfAllShards<TrafficWindow>,
): Receipts {
  const counts = new Map([[formatSeq(newest.seq), 0]]);
  for (const { policySeqs } of window.seconds) {
    for (const [seq, count] of Object.entries(policySeqs)) {
      counts.set(seq, (counts.get(seq) ?? 0) + count);
    }
  }
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return [...counts]
    .toSorted(([a], [b]) => newestFirst(a, b))
    .map(([seq, requests]) => {
      const version = versions.find((known) => formatSeq(known.seq) === seq) ?? null;
      // What was decided before the window began cannot be told from what nobody decided.
      const isCovered = version !== null && version.compiledAtMs >= (window.fromSecond + 1) * 1_000;
      return {
        seq,
        compiledAt: version === null ? null : iso(version.compiledAtMs),
        requests,
        share: all === 0 ? null : requests / all,
        enforcementLagMs: isCovered ? enforcementLagMs(version, window.seconds) : null,
      };
    });
}

/** What is no version, such as `none`, comes last. */
function newestFirst(a: string, b: string): number {
  const [first, second] = [readSeq(a), readSeq(b)];
  if (first === null || second === null) return first === second ? 0 : first === null ? 1 : -1;
  return compareSeq(second, first);
}
