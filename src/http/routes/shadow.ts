/** Whom policy entries touch, and would touch: what to read before an entry leaves its shadow. */
import { createRoute, z } from "@hono/zod-openapi";
import { clientsOf } from "../../traffic/touched.ts";
import type { PolicyEntry } from "../../policy/policy.ts";
import type { TouchedReport } from "../../traffic/traffic-api.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { moment } from "../schemas.ts";
import { iso } from "../times.ts";

const item = z
  .object({
    id: z.string(),
    /** Null: it is not in the policy any more. */
    entry: z
      .object({
        kind: z.string(),
        mode: z.enum(["enforce", "shadow"]),
        owner: z.string(),
        reason: z.string(),
        expiresAt: moment,
      })
      .nullable(),
    /** Requests that it refused, or would have refused or changed in shadow. Null: nobody knows, since nothing is heard or not all. */
    requests: z.int().nullable(),
    /** Different clients among them, about: IPv4 addresses, IPv6 /64s. */
    clients: z.int().nullable(),
    /** From bots that Cloudflare has verified. */
    verifiedBots: z.int().nullable(),
    /** By the template of the path, the most first. */
    routes: z.array(z.object({ route: z.string(), requests: z.int() })),
  })
  .openapi("TouchedByEntry");

const report = z
  .object({
    /** Counted from here on; null: from the first report ever. */
    since: moment.nullable(),
    /** When a guard last said whom it touched; null: none has since then. What is younger than this was not there to be told of. */
    heardUntil: moment.nullable(),
    /** False: more may have been touched than it says. */
    isComplete: z.boolean(),
    missing: z.object({ silentShards: z.int(), reports: z.int() }),
    items: z.array(item),
  })
  .openapi("ShadowReport");

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/shadow",
  tags: ["policy"],
  summary: "Whom each policy entry touches, or would touch while it is in shadow",
  responses: { 200: answers(report, "The shadow report"), ...problems },
});

export function shadowRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(read, async (c) => {
    const [entries, touched] = await Promise.all([deps.policy.entries(), deps.traffic.touched()]);
    const missing = { silentShards: touched.silentShards, reports: touched.missingReports };
    const reports = new Map(touched.entries.map((one) => [one.entryId, one]));
    const ids = new Set([...entries.map(({ id }) => id), ...reports.keys()]);
    const isComplete = missing.silentShards === 0 && missing.reports === 0;
    const { heardUntilMs } = touched;
    // Where all is heard, an entry that nobody tells of touched nobody; else that is not known.
    const untold = isComplete && heardUntilMs !== null ? 0 : null;
    return c.json(
      {
        since: touched.sinceSecond === 0 ? null : iso(touched.sinceSecond * 1_000),
        heardUntil: heardUntilMs === null ? null : iso(heardUntilMs),
        isComplete,
        missing,
        items: [...ids].map((id) =>
          present(id, entries.find((entry) => entry.id === id) ?? null, {
            touched: reports.get(id) ?? null,
            untold,
          }),
        ),
      },
      200,
    );
  });
}

const present = (
  id: string,
  entry: PolicyEntry | null,
  { touched, untold }: { readonly touched: TouchedReport | null; readonly untold: 0 | null },
): z.infer<typeof item> => ({
  id,
  entry:
    entry === null
      ? null
      : {
          kind: entry.kind,
          mode: entry.mode,
          owner: entry.owner,
          reason: entry.reason,
          expiresAt: iso(entry.expiresAtMs),
        },
  requests: touched?.requests ?? untold,
  clients: touched === null ? untold : clientsOf(touched),
  verifiedBots: touched?.verifiedBots ?? untold,
  routes: Object.entries(touched?.routes ?? {})
    .map(([route, requests]) => ({ route, requests }))
    .toSorted((a, b) => b.requests - a.requests),
});
