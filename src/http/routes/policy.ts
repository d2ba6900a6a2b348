/** What guards enforce now. */
import { createRoute, z } from "@hono/zod-openapi";
import { networksBlobOf } from "../../policy/blobs.ts";
import { formatSeq } from "../../policy/policy.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";
import { moment, networkList } from "../schemas.ts";
import { iso } from "../times.ts";
import { presentList } from "./networks.ts";

const policy = z
  .object({
    format: z.int(),
    instance: z.string(),
    /** `<epoch>.<n>`, as the guard's header carries it. */
    seq: z.string(),
    compiledAt: moment,
    staleAfterMs: z.int(),
    settings: z.record(z.string(), z.unknown()),
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

export function policyRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(read, async (c) => {
    const [{ policy: now }, lists] = await Promise.all([
      deps.policy.read(null),
      deps.policy.lists(),
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
