/**
 * Cloudflare's API, as far as Firebreak asks it: deployments and versions of Workers, deployments of a Pages project, the query
 * of Workers' logs, their invocations by GraphQL, lists, and the rules and settings of one zone. It checks as the vendor does, and tells
 * whoever runs the Workers which version is live.
 */
import { Hono, type MiddlewareHandler } from "hono";
import { z } from "zod";
import {
  answer,
  isJson,
  json,
  NO_PROJECT,
  NO_ROUTE,
  NO_SCRIPT,
  refuse,
} from "./cloudflare-answers.ts";
import { analyticsRoutes, counted } from "./cloudflare-counted.ts";
import { listed, listRoutes } from "./cloudflare-lists.ts";
import { listsIn, ruled, rulesetRoutes } from "./cloudflare-rulesets.ts";
import { zoned, zoneRoutes } from "./cloudflare-zone.ts";
import type { Vendor } from "./vendor.ts";

const VERSIONS_DEPLOYABLE_MAX = 100;
const MESSAGE_BYTES_MAX = 1_000;
const DEPLOYMENTS_KEPT_MAX = 1_000;

const version = z.strictObject({
  id: z.string().min(1),
  author: z.string().default("ada@shop.example"),
  /** Secrets that have changed since it was uploaded. */
  changedSecrets: z.array(z.string()).default([]),
});
const deployment = z.strictObject({
  id: z.string().min(1),
  createdAt: z.iso.datetime(),
  author: z.string().default("ada@shop.example"),
  message: z.string().default(""),
  versions: z
    .array(z.strictObject({ id: z.string(), percentage: z.number().min(0.01).max(100) }))
    .min(1)
    .max(2),
});
const pagesDeployment = z.strictObject({
  id: z.string().min(1),
  createdAt: z.iso.datetime(),
  environment: z.enum(["production", "preview"]).default("production"),
  status: z.enum(["success", "failure"]).default("success"),
  commit: z.string().default("0000000"),
});
const logEvent = z.strictObject({
  atMs: z.int(),
  level: z.string().default("error"),
  message: z.string(),
  script: z.string(),
  version: z.string().default(""),
  outcome: z.string().default("exception"),
});

/** What a PUT on its control path sets: newest deployments first. */
const state = z.strictObject({
  workers: z
    .record(
      z.string(),
      z.strictObject({ versions: z.array(version), deployments: z.array(deployment) }),
    )
    .default({}),
  pages: z
    .record(z.string(), z.strictObject({ live: z.string(), deployments: z.array(pagesDeployment) }))
    .default({}),
  logs: z.array(logEvent).max(10_000).default([]),
  ...counted.shape,
  ...listed.shape,
  ...ruled.shape,
  ...zoned.shape,
});
export type CloudflareState = z.input<typeof state>;

export type CloudflareApiOptions = {
  readonly accountId: string;
  /** The one zone that the token may read and change; none where it is not said. */
  readonly zoneId?: string;
  /** How long a bulk operation on a list takes; without it, a moment. */
  readonly bulkMs?: number;
  readonly token: string;
  readonly initial?: CloudflareState;
  /** A version became live for everybody: whoever runs the Workers runs that one from now on. */
  readonly onDeploy?: (script: string, versionId: string) => void | Promise<void>;
};

export function cloudflareApi(options: CloudflareApiOptions): Vendor {
  const initial = (): z.output<typeof state> => state.parse(structuredClone(options.initial ?? {}));
  let world = initial();
  const all = new Hono();
  const app = new Hono();

  all.use(async (c, next) => {
    if (c.req.header("authorization") !== `Bearer ${options.token}`) {
      return refuse(c, 401, { code: 10_000, message: "Authentication error" });
    }
    return next();
  });
  all.use("/accounts/:account/*", async (c, next) => {
    if (c.req.param("account") !== options.accountId) {
      return refuse(c, 404, NO_ROUTE);
    }
    return needsJson(c, next);
  });

  app.get("/workers/scripts/:script/deployments", (c) => {
    const worker = world.workers[c.req.param("script")];
    if (worker === undefined) return refuse(c, 404, NO_SCRIPT);
    return answer(c, { deployments: worker.deployments.map(shownDeployment) });
  });

  app.get("/workers/scripts/:script/versions", (c) => {
    const worker = world.workers[c.req.param("script")];
    if (worker === undefined) return refuse(c, 404, NO_SCRIPT);
    const items =
      c.req.query("deployable") === "true"
        ? worker.versions.slice(0, VERSIONS_DEPLOYABLE_MAX)
        : worker.versions;
    return answer(c, {
      items: items.map(({ id, author }, index) => ({
        id,
        number: worker.versions.length - index,
        metadata: { author_email: author, source: "wrangler" },
        annotations: {},
      })),
    });
  });

  app.post("/workers/scripts/:script/deployments", async (c) => {
    const script = c.req.param("script");
    const worker = world.workers[script];
    if (worker === undefined) return refuse(c, 404, NO_SCRIPT);
    const asked = newDeployment.safeParse(await json(c));
    if (!asked.success)
      return refuse(c, 400, { code: 10_021, message: z.prettifyError(asked.error) });
    const { versions, annotations } = asked.data;
    const message = annotations["workers/message"] ?? "";
    for (const { version_id: id } of versions) {
      const index = worker.versions.findIndex((known) => known.id === id);
      const known = worker.versions[index];
      if (known === undefined || index >= VERSIONS_DEPLOYABLE_MAX) {
        return refuse(c, 404, { code: 10_209, message: "Version not found" });
      }
      if (known.changedSecrets.length > 0 && c.req.query("force") !== "true") {
        return refuse(c, 400, {
          code: 10_220,
          message: `A secret has changed since this version was active. If you are sure this is ok, add a ?force=true query parameter to allow the rollback. The following secrets have changed: ${known.changedSecrets.join(", ")}`,
        });
      }
    }
    const made = deployment.parse({
      id: crypto.randomUUID(),
      createdAt: new Date().toISOString(),
      author: "owner-of-the-token@shop.example",
      message: Buffer.from(message).subarray(0, MESSAGE_BYTES_MAX).toString(),
      versions: versions.map(({ version_id: id, percentage }) => ({ id, percentage })),
    });
    worker.deployments = [made, ...worker.deployments].slice(0, DEPLOYMENTS_KEPT_MAX);
    const [only] = made.versions;
    if (only?.percentage === 100) await options.onDeploy?.(script, only.id);
    return answer(c, shownDeployment(made));
  });

  pagesRoutes(app, () => world);
  logRoutes(app, () => world);
  analyticsRoutes(all, options, () => world);
  listRoutes(app, () => world, {
    bulkMs: options.bulkMs ?? 0,
    plan: () => world.plan,
    isNamed: (list) => rulesOf(world).some(({ expression }) => listsIn(expression).includes(list)),
  });
  all.route("/accounts/:account", app);
  if (options.zoneId !== undefined) {
    const zone = new Hono();
    zoneRoutes(zone, options.zoneId, () => world);
    rulesetRoutes(zone, () => world, {
      plan: () => world.plan,
      isList: (list) => world.lists.some(({ name }) => name === list),
    });
    all.use(`/zones/${options.zoneId}/*`, needsJson);
    all.route(`/zones/${options.zoneId}`, zone);
  }
  all.notFound((c) => refuse(c, 404, NO_ROUTE));

  return {
    name: "cloudflare-api",
    fetch: (request) => all.fetch(request),
    state: () => world,
    setState: (value) => {
      world = state.parse(value);
    },
    reset: () => {
      world = initial();
    },
  };
}

const newDeployment = z.strictObject({
  strategy: z.literal("percentage"),
  versions: z
    .array(z.strictObject({ version_id: z.string(), percentage: z.number().min(0.01).max(100) }))
    .min(1)
    .max(2)
    .refine(
      (versions) => versions.reduce((sum, { percentage }) => sum + percentage, 0) === 100,
      "percentages must total 100",
    ),
  annotations: z.strictObject({ "workers/message": z.string().optional() }).default({}),
});

/** Whoever sends a body says that it is JSON. */
const needsJson: MiddlewareHandler = async (c, next) => {
  if (c.req.method !== "GET" && !isJson(c) && (await c.req.text()) !== "") {
    return refuse(c, 415, { code: 10_026, message: "content-type must be application/json" });
  }
  return next();
};

type World = z.output<typeof state>;

const rulesOf = ({ rulesets }: World) => rulesets.flatMap(({ rules }) => rules);

const shownDeployment = (one: z.output<typeof deployment>) => ({
  id: one.id,
  created_on: one.createdAt,
  source: "api",
  strategy: "percentage",
  author_email: one.author,
  annotations: { "workers/message": one.message, "workers/triggered_by": "deployment" },
  versions: one.versions.map(({ id, percentage }) => ({ version_id: id, percentage })),
});

function pagesRoutes(app: Hono, world: () => World): void {
  const shown = (project: string, one: z.output<typeof pagesDeployment>) => ({
    id: one.id,
    short_id: one.id.slice(0, 8),
    project_name: project,
    environment: one.environment,
    url: `https://${one.id.slice(0, 8)}.${project}.pages.dev`,
    created_on: one.createdAt,
    latest_stage: { name: "deploy", status: one.status, ended_on: one.createdAt },
    deployment_trigger: {
      type: "github:push",
      metadata: { branch: "main", commit_hash: one.commit, commit_message: "a change" },
    },
  });
  const find = (name: string, id: string) =>
    world().pages[name]?.deployments.find((one) => one.id === id);

  app.get("/pages/projects/:project", (c) => {
    const name = c.req.param("project");
    const project = world().pages[name];
    const live = find(name, project?.live ?? "");
    if (project === undefined) return refuse(c, 404, NO_PROJECT);
    return answer(c, {
      id: name,
      name,
      canonical_deployment: live === undefined ? null : shown(name, live),
    });
  });

  app.get("/pages/projects/:project/deployments", (c) => {
    const name = c.req.param("project");
    const project = world().pages[name];
    if (project === undefined) return refuse(c, 404, NO_PROJECT);
    const env = c.req.query("env");
    return answer(
      c,
      project.deployments
        .filter(({ environment }) => env === undefined || environment === env)
        .map((one) => shown(name, one)),
    );
  });

  app.post("/pages/projects/:project/deployments/:id/rollback", async (c) => {
    const name = c.req.param("project");
    const project = world().pages[name];
    const target = find(name, c.req.param("id"));
    if (project === undefined) return refuse(c, 404, NO_PROJECT);
    if (target === undefined) {
      return refuse(c, 404, {
        code: 8_000_009,
        message: "The deployment ID you have specified does not exist.",
      });
    }
    if (target.environment !== "production" || target.status !== "success") {
      return refuse(c, 400, {
        code: 8_000_039,
        message: "Only successful production deployments can be rolled back to.",
      });
    }
    project.live = target.id;
    return answer(c, shown(name, target));
  });
}

const telemetryQuery = z.strictObject({
  queryId: z.string().min(1),
  timeframe: z
    .strictObject({ from: z.int(), to: z.int() })
    .refine(({ from, to }) => from < to, "from must be before to"),
  view: z.literal("events"),
  limit: z.int().min(1).max(2_000),
  parameters: z.strictObject({
    datasets: z.array(z.string()).optional(),
    filters: z
      .array(
        z.strictObject({
          key: z.string(),
          operation: z.literal("eq"),
          type: z.literal("string"),
          value: z.string(),
        }),
      )
      .max(20)
      .default([]),
  }),
});

function logRoutes(app: Hono, world: () => World): void {
  app.post("/workers/observability/telemetry/query", async (c) => {
    const asked = telemetryQuery.safeParse(await json(c));
    if (!asked.success)
      return refuse(c, 400, { code: 10_021, message: z.prettifyError(asked.error) });
    const { timeframe, limit, parameters } = asked.data;
    const found = world().logs.filter(
      (event) =>
        event.atMs >= timeframe.from &&
        event.atMs < timeframe.to &&
        parameters.filters.every(({ key, value }) => fieldOf(event, key) === value),
    );
    return answer(c, {
      events: { count: found.length, events: found.slice(0, limit).map(shownEvent) },
      run: { status: "COMPLETED" },
    });
  });
}

const fieldOf = (event: z.output<typeof logEvent>, key: string): string | undefined =>
  ({
    "$metadata.service": event.script,
    "$metadata.level": event.level,
  })[key];

const shownEvent = (event: z.output<typeof logEvent>) => ({
  timestamp: event.atMs,
  dataset: "cloudflare-workers",
  source: { message: event.message },
  $metadata: { service: event.script, level: event.level, message: event.message },
  $workers: {
    scriptName: event.script,
    outcome: event.outcome,
    scriptVersion: { id: event.version },
  },
});
