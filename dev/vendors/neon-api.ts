/**
 * Neon's control API, as far as Firebreak asks it: one project, its branches, their computes, and operations that take their time.
 * It checks as the vendor does. Where somebody runs computes for it, a compute is a real server with the data of its branch.
 */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import { BUSY, isJson, json, NOT_FOUND, refuse, refuseShape } from "./neon-answers.ts";
import { endpointRoutes } from "./neon-endpoints.ts";
import {
  BRANCHES_MAX,
  changedBranch,
  endpoint,
  newBranch,
  restoredBranch,
  state,
  type Branch,
  type Endpoint,
  type NeonState,
  type World,
} from "./neon-shapes.ts";
import type { Vendor } from "./vendor.ts";

const OPERATIONS_KEPT_MAX = 1_000;
const OPERATION_MS = 100;

/** Runs what a compute of a branch is: a server with the data of the project's main branch at a moment; null is now. */
export type RunCompute = (asked: {
  /** Where it is to be reached. */
  readonly host: string;
  readonly atMs: number | null;
  /** It only reads, and follows the main branch as that goes on. */
  readonly follows: boolean;
}) => Promise<{
  readonly url: (database: string, role: string) => string;
  readonly stop?: () => Promise<void>;
}>;

export type NeonApiOptions = {
  readonly projectId: string;
  readonly key: string;
  readonly initial?: NeonState;
  /** How long an operation is at work, at least. */
  readonly operationMs?: number;
  /** Without it computes are words only. */
  readonly runCompute?: RunCompute;
};

type Operation = {
  readonly id: string;
  readonly action: string;
  readonly branchId: string;
  readonly endpointId: string | null;
  readonly endsAtMs: number;
  /** What it waits for beside its time: true once that is there. */
  work: "none" | "running" | "done" | "failed";
};
type Compute = Awaited<ReturnType<RunCompute>>;

export function neonApi(options: NeonApiOptions): Vendor {
  // What the schema gives by default is one value for all.
  const initial = (): World => structuredClone(state.parse(options.initial ?? {}));
  let world = initial();
  let operations: Operation[] = [];
  const computes = new Map<string, Compute>();
  const all = new Hono();
  const app = new Hono();

  const statusOf = ({ endsAtMs, work }: Operation): string => {
    if (work === "failed") return "failed";
    return Date.now() >= endsAtMs && work !== "running" ? "finished" : "running";
  };
  const isBusy = (): boolean => operations.some((one) => statusOf(one) === "running");
  const begin = (action: string, branchId: string, about: Endpoint | null = null): Operation => {
    const one: Operation = {
      id: crypto.randomUUID(),
      action,
      branchId,
      endpointId: about?.id ?? null,
      endsAtMs: Date.now() + (options.operationMs ?? OPERATION_MS),
      work: "none",
    };
    operations = [...operations, one].slice(-OPERATIONS_KEPT_MAX);
    return one;
  };
  /** Starts the server of a compute; its operation ends when that takes connections. */
  const startCompute = (one: Endpoint, of: Branch): Operation => {
    const started = begin("start_compute", of.id, one);
    if (options.runCompute === undefined) return started;
    started.work = "running";
    const atMs = of.parentAt === null ? null : Date.parse(of.parentAt);
    const follows = of.isDefault && one.type === "read_only";
    options.runCompute({ host: hostOf(one), atMs, follows }).then(
      (compute) => {
        computes.set(one.id, compute);
        started.work = "done";
      },
      () => {
        started.work = "failed";
      },
    );
    return started;
  };

  /** Why no branch of that name can be made, or null. */
  const nameProblem = (name: string | undefined): Problem | null => {
    if (name === undefined) return null;
    if (world.branches.some((one) => one.name === name)) {
      return [
        409,
        { code: "BRANCH_ALREADY_EXISTS", message: "branch with the provided name already exists" },
      ];
    }
    return world.branches.length < BRANCHES_MAX
      ? null
      : [422, { code: "BRANCHES_LIMIT_EXCEEDED", message: "branches limit exceeded" }];
  };
  const momentProblem = (at: string | undefined): Problem | null => {
    if (at === undefined) return null;
    const ageMs = Date.now() - Date.parse(at);
    if (ageMs >= 0 && ageMs <= world.historyRetentionSeconds * 1_000) return null;
    const message = "parent timestamp is outside of the history that is kept";
    return [400, { code: "BRANCH_TIMESTAMP_OUT_OF_RANGE", message }];
  };
  const restoreProblem = (
    one: Branch,
    source: Branch,
    { source_timestamp: at, preserve_under_name: name }: z.infer<typeof restoredBranch>,
  ): Problem | null => {
    const isSelf = one === source;
    if (isSelf && at === undefined) {
      return [400, { code: "BAD_REQUEST", message: "source_timestamp or source_lsn is required" }];
    }
    const hasChildren = world.branches.some(({ parentId }) => parentId === one.id);
    if ((isSelf || hasChildren) && name === undefined) {
      return [400, { code: "BAD_REQUEST", message: "preserve_under_name is required" }];
    }
    return momentProblem(at);
  };

  all.use(async (c, next) =>
    c.req.header("authorization") === `Bearer ${options.key}`
      ? next()
      : refuse(c, 401, { code: "", message: "supplied credentials do not pass authentication" }),
  );
  all.use("/projects/:project/*", async (c, next) => {
    if (c.req.param("project") !== options.projectId) return refuse(c, 404, NOT_FOUND);
    if (c.req.method === "GET") return next();
    if (c.req.method !== "DELETE" && !isJson(c)) {
      return refuse(c, 400, {
        code: "BAD_REQUEST",
        message: "content-type must be application/json",
      });
    }
    return isBusy() ? refuse(c, 423, BUSY) : next();
  });

  all.get("/projects/:project", (c) =>
    c.req.param("project") === options.projectId
      ? c.json({
          project: {
            id: options.projectId,
            history_retention_seconds: world.historyRetentionSeconds,
          },
        })
      : refuse(c, 404, NOT_FOUND),
  );

  app.get("/operations/:id", (c) => {
    const one = operations.find(({ id }) => id === c.req.param("id"));
    return one === undefined ? refuse(c, 404, NOT_FOUND) : c.json({ operation: shown(one) });
  });
  const shown = (one: Operation) => ({
    id: one.id,
    project_id: options.projectId,
    branch_id: one.branchId,
    ...(one.endpointId === null ? {} : { endpoint_id: one.endpointId }),
    action: one.action,
    status: statusOf(one),
    failures_count: one.work === "failed" ? 1 : 0,
    created_at: new Date().toISOString(),
    updated_at: new Date().toISOString(),
    total_duration_ms: 0,
  });
  const shownBranch = ({ id, name, parentId, parentAt, expiresAt, ...one }: Branch) => ({
    id,
    project_id: options.projectId,
    name,
    ...(parentId === null ? {} : { parent_id: parentId }),
    ...(parentAt === null ? {} : { parent_timestamp: parentAt }),
    ...(expiresAt === null ? {} : { expires_at: expiresAt }),
    current_state: operations.some((one) => one.branchId === id && statusOf(one) === "running")
      ? "init"
      : "ready",
    default: one.isDefault,
    compute_time_seconds: one.cpuSeconds,
    protected: false,
    creation_source: "console",
  });
  const stateOf = ({ id, type }: Endpoint): string => {
    const isStarting = operations.some(
      (one) =>
        one.endpointId === id && one.action === "start_compute" && statusOf(one) === "running",
    );
    if (isStarting) return "init";
    return computes.has(id) || type === "read_write" ? "active" : "idle";
  };
  const shownEndpoint = (one: Endpoint) => ({
    id: one.id,
    host: hostOf(one),
    project_id: options.projectId,
    branch_id: one.branchId,
    type: one.type,
    ...(one.name === null ? {} : { name: one.name }),
    autoscaling_limit_min_cu: one.minCu,
    autoscaling_limit_max_cu: one.maxCu,
    current_state: stateOf(one),
  });

  app.get("/branches", (c) => {
    const search = c.req.query("search") ?? "";
    const found = world.branches.filter(
      ({ id, name }) => name.includes(search) || id.includes(search),
    );
    const limit = z.coerce
      .number()
      .int()
      .min(1)
      .max(10_000)
      .safeParse(c.req.query("limit") ?? 100);
    if (!limit.success)
      return refuse(c, 400, { code: "BAD_REQUEST", message: "limit is not valid" });
    return c.json({
      branches: found.slice(0, limit.data).map(shownBranch),
      annotations: {},
      pagination: { sort_by: "updated_at", sort_order: "DESC" },
    });
  });

  app.post("/branches", async (c) => {
    const asked = newBranch.safeParse(await json(c));
    if (!asked.success) return refuseShape(c, asked.error);
    const wanted = asked.data.branch;
    const parent = world.branches.find(({ id, isDefault }) =>
      wanted.parent_id === undefined ? isDefault : id === wanted.parent_id,
    );
    if (parent === undefined) {
      return refuse(c, 404, {
        code: "PARENT_BRANCH_NOT_FOUND",
        message: "parent branch not found",
      });
    }
    const { parent_timestamp: at, expires_at: expiresAt } = wanted;
    const obstacle = nameProblem(wanted.name) ?? momentProblem(at);
    if (obstacle !== null) return refuse(c, ...obstacle);
    if (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now()) {
      return refuse(c, 400, { code: "BAD_REQUEST", message: "expires_at must be in the future" });
    }
    const made: Branch = {
      id: newBranchId(),
      name: wanted.name,
      parentId: parent.id,
      parentAt: at ?? new Date().toISOString(),
      expiresAt: expiresAt ?? null,
      isDefault: false,
      cpuSeconds: 0,
    };
    world.branches.push(made);
    const started = [begin("create_branch", made.id)];
    const endpoints = asked.data.endpoints.map((given) => {
      const one = endpoint.parse({
        id: `ep-${crypto.randomUUID().slice(0, 8)}`,
        branchId: made.id,
        type: given.type,
      });
      world.endpoints.push(one);
      started.push(startCompute(one, made));
      return shownEndpoint(one);
    });
    return c.json(
      {
        branch: shownBranch(made),
        endpoints,
        operations: started.map(shown),
        roles: [],
        databases: [],
      },
      201,
    );
  });

  app.post("/branches/:id/restore", async (c) => {
    const one = world.branches.find(({ id }) => id === c.req.param("id"));
    const asked = restoredBranch.safeParse(await json(c));
    if (!asked.success) return refuseShape(c, asked.error);
    const wanted = asked.data;
    const { preserve_under_name: name, source_timestamp: at } = wanted;
    const source = world.branches.find(({ id }) => id === wanted.source_branch_id);
    if (one === undefined || source === undefined) return refuse(c, 404, NOT_FOUND);
    const obstacle = restoreProblem(one, source, wanted) ?? nameProblem(name);
    if (obstacle !== null) return refuse(c, ...obstacle);
    const restoredTo = at ?? new Date().toISOString();
    if (name !== undefined) {
      const kept: Branch = { ...one, id: newBranchId(), name, isDefault: false, expiresAt: null };
      for (const child of world.branches) if (child.parentId === one.id) child.parentId = kept.id;
      world.branches.push(kept);
      one.parentId = kept.id;
    }
    one.parentAt = restoredTo;
    const started = [begin("create_branch", one.id)];
    for (const compute of world.endpoints.filter(({ branchId }) => branchId === one.id)) {
      started.push(startCompute(compute, one));
    }
    return c.json({ branch: shownBranch(one), operations: started.map(shown) });
  });

  app.patch("/branches/:id", async (c) => {
    const one = world.branches.find(({ id }) => id === c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NOT_FOUND);
    const asked = changedBranch.safeParse(await json(c));
    if (!asked.success) return refuseShape(c, asked.error);
    const { name } = asked.data.branch;
    if (world.branches.some((other) => other !== one && other.name === name)) {
      const message = "branch with the provided name already exists";
      return refuse(c, 409, { code: "BRANCH_ALREADY_EXISTS", message });
    }
    one.name = name;
    return c.json({ branch: shownBranch(one), operations: [] });
  });

  app.delete("/branches/:id", (c) => {
    const gone = world.branches.find(({ id }) => id === c.req.param("id"));
    if (gone === undefined) return refuse(c, 404, NOT_FOUND);
    const hasChildren = world.branches.some(({ parentId }) => parentId === gone.id);
    if (gone.isDefault || hasChildren) {
      const message = "the branch is the default branch or has children";
      return refuse(c, 422, { code: "BRANCH_CANNOT_BE_DELETED", message });
    }
    world.branches = world.branches.filter((one) => one !== gone);
    world.endpoints = world.endpoints.filter(({ branchId }) => branchId !== gone.id);
    return c.json({
      branch: shownBranch(gone),
      operations: [shown(begin("delete_timeline", gone.id))],
    });
  });

  endpointRoutes(app, {
    world: () => world,
    shownEndpoint,
    start: (one, of) => shown(startCompute(one, of)),
    begin: (action, one) => shown(begin(action, one.branchId, one)),
    stop: (id) => {
      const stopping = computes.get(id)?.stop?.();
      stopping?.catch(() => {}); // Nobody finds it any more, whatever becomes of it.
      computes.delete(id);
    },
  });

  app.get("/snapshots", (c) =>
    c.json({
      snapshots: world.snapshots.map(({ id, branchId, createdAt }) => ({
        id,
        name: `production ${createdAt}`,
        timestamp: createdAt,
        source_branch_id: branchId,
        created_at: createdAt,
        manual: false,
      })),
    }),
  );

  app.get("/connection_uri", (c) => {
    const { database_name: database, role_name: role, branch_id: branchId } = c.req.query();
    const endpointId = c.req.query("endpoint_id");
    if (database === undefined || role === undefined) {
      return refuse(c, 400, {
        code: "BAD_REQUEST",
        message: "database_name and role_name are required",
      });
    }
    const one = world.endpoints.find(
      (candidate) =>
        candidate.branchId === branchId && (endpointId ?? candidate.id) === candidate.id,
    );
    const compute = one === undefined ? undefined : computes.get(one.id);
    return compute === undefined
      ? refuse(c, 404, NOT_FOUND)
      : c.json({ uri: compute.url(database, role) });
  });

  all.route("/projects/:project", app);
  all.notFound((c) => refuse(c, 404, NOT_FOUND));

  return {
    name: "neon-api",
    fetch: (request) => all.fetch(request),
    state: () => world,
    setState: (value) => {
      world = structuredClone(state.parse(value));
    },
    reset: () => {
      world = initial();
      operations = [];
    },
  };
}

type Problem = readonly [
  status: ContentfulStatusCode,
  error: { readonly code: string; readonly message: string },
];

const newBranchId = (): string => `br-${crypto.randomUUID().slice(0, 8)}`;

const hostOf = ({ id }: Endpoint): string => `${id}.eu-central-1.aws.neon.tech`;
