/** Cloudflare's analytics by GraphQL, as far as Firebreak asks them: how invocations ended, and who came to a zone. */
import { buildSchema, graphql } from "graphql";
import type { Hono } from "hono";
import { z } from "zod";
import { isJson, json, refuse } from "./cloudflare-answers.ts";

const invocations = z.strictObject({
  atMs: z.int(),
  script: z.string(),
  version: z.string(),
  status: z.string().default("success"),
  requests: z.int().min(0).default(1),
});

/** What was counted, as a PUT on the control path sets it. */
export const counted = z.strictObject({
  invocations: z.array(invocations).max(10_000).default([]),
  /** What came to zones from outside, by zone. */
  visits: z
    .array(
      z.strictObject({
        zone: z.string(),
        atMs: z.int(),
        requests: z.int().min(0),
        source: z.enum(["eyeball", "edgeWorkerFetch"]).default("eyeball"),
      }),
    )
    .max(10_000)
    .default([]),
  /** Too many questions were asked of analytics lately. */
  isOverBudget: z.boolean().default(false),
});
type Counted = z.output<typeof counted>;

/** The part of Cloudflare's schema that is asked: whatever else a question says is refused as the vendor refuses it. */
const ANALYTICS = buildSchema(`
  scalar Time
  scalar string
  type Query { viewer: Viewer! }
  type Viewer { accounts(filter: AccountFilter!): [Account!]!, zones(filter: ZoneFilter!): [Zone!]! }
  input ZoneFilter { zoneTag: string! }
  type Zone {
    httpRequestsAdaptiveGroups(limit: Int!, filter: VisitsFilter!): [Visits!]!
  }
  input VisitsFilter { datetime_geq: Time!, datetime_lt: Time!, requestSource: string }
  type Visits { count: Float! }
  input AccountFilter { accountTag: string! }
  type Account {
    workersInvocationsAdaptive(limit: Int!, filter: InvocationsFilter!): [Invocations!]!
  }
  input InvocationsFilter { scriptName: string, datetime_geq: Time!, datetime_lt: Time! }
  type Invocations { sum: Sum!, dimensions: Dimensions! }
  type Sum { requests: Float!, errors: Float! }
  type Dimensions { scriptVersion: string!, status: string! }
`);
const question = z.strictObject({
  query: z.string().min(1),
  variables: z.record(z.string(), z.unknown()),
});
const LIMIT_MAX = 10_000;
/** Of the dataset. */
const STATUSES_WITHOUT_ERROR = ["success", "clientDisconnected", "responseStreamDisconnected"];

type VisitsArgs = {
  readonly limit: number;
  readonly filter: {
    readonly datetime_geq: string;
    readonly datetime_lt: string;
    readonly requestSource?: string;
  };
};

type InvocationsArgs = {
  readonly limit: number;
  readonly filter: {
    readonly scriptName?: string;
    readonly datetime_geq: string;
    readonly datetime_lt: string;
  };
};

function checkLimit(limit: number): void {
  if (limit < 1 || limit > LIMIT_MAX) throw new Error(`limit must be between 1 and ${LIMIT_MAX}`);
}

function rangeOf(filter: { readonly datetime_geq: string; readonly datetime_lt: string }) {
  const [fromMs, toMs] = [Date.parse(filter.datetime_geq), Date.parse(filter.datetime_lt)];
  if (!(fromMs < toMs)) throw new Error("cannot request data for an empty time range");
  return { fromMs, toMs };
}

export function analyticsRoutes(
  all: Hono,
  { accountId, zoneId }: { readonly accountId: string; readonly zoneId?: string },
  world: () => Counted,
): void {
  const found = ({ limit, filter }: InvocationsArgs) => {
    checkLimit(limit);
    const { fromMs, toMs } = rangeOf(filter);
    const groups = new Map<string, { requests: number; version: string; status: string }>();
    for (const one of world().invocations) {
      if (one.atMs < fromMs || one.atMs >= toMs) continue;
      if (filter.scriptName !== undefined && one.script !== filter.scriptName) continue;
      const key = JSON.stringify([one.version, one.status]);
      const group = groups.get(key) ?? { requests: 0, version: one.version, status: one.status };
      groups.set(key, { ...group, requests: group.requests + one.requests });
    }
    return [...groups.values()].slice(0, limit).map(({ requests, version, status }) => ({
      sum: { requests, errors: STATUSES_WITHOUT_ERROR.includes(status) ? 0 : requests },
      dimensions: { scriptVersion: version, status },
    }));
  };
  const zones = ({ filter: { zoneTag } }: { readonly filter: { readonly zoneTag: string } }) => {
    if (zoneTag !== zoneId) throw new Error("not authorized for that zone");
    const groups = ({ limit, filter }: VisitsArgs) => {
      checkLimit(limit);
      const { fromMs, toMs } = rangeOf(filter);
      const found = world().visits.filter(
        ({ zone, atMs, source }) =>
          zone === zoneTag &&
          atMs >= fromMs &&
          atMs < toMs &&
          (filter.requestSource ?? source) === source,
      );
      // Without a dimension all is one group; nothing is none.
      return found.length === 0
        ? []
        : [{ count: found.reduce((sum, { requests }) => sum + requests, 0) }];
    };
    return [{ httpRequestsAdaptiveGroups: groups }];
  };
  const accounts = ({ filter }: { readonly filter: { readonly accountTag: string } }) => {
    if (filter.accountTag !== accountId) throw new Error("not authorized for that account");
    return [{ workersInvocationsAdaptive: found }];
  };

  all.post("/graphql", async (c) => {
    if (!isJson(c))
      return refuse(c, 415, { code: 10_026, message: "content-type must be application/json" });
    const asked = question.safeParse(await json(c));
    if (!asked.success)
      return c.json({ data: null, errors: [{ message: "malformed request body" }] }, 400);
    if (world().isOverBudget) {
      const message = "rate limiter budget depleted, please try again later";
      return c.json({
        data: null,
        errors: [{ message, path: null, extensions: { code: "budget" } }],
      });
    }
    const { data, errors } = await graphql({
      schema: ANALYTICS,
      source: asked.data.query,
      variableValues: asked.data.variables,
      rootValue: { viewer: { accounts, zones } },
    });
    const shown = errors?.map(({ message, path }) => ({
      message,
      path: path ?? null,
      extensions: { timestamp: new Date().toISOString() },
    }));
    return c.json({ data: data ?? null, errors: shown ?? null });
  });
}
