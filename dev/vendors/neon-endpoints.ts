/** The computes of the stand-in for Neon: made, changed and removed as the vendor lets it. */
import type { Hono } from "hono";
import { json, NOT_FOUND, refuse, refuseShape } from "./neon-answers.ts";
import {
  changedEndpoint,
  endpoint,
  newEndpoint,
  type Branch,
  type Endpoint,
  type World,
} from "./neon-shapes.ts";

const CU_MIN = 0.25;
const areLimits = (minCu: number, maxCu: number): boolean =>
  minCu <= maxCu && (maxCu > 16 || maxCu - minCu <= 8);
const BAD_LIMITS = {
  code: "BAD_REQUEST",
  message: "autoscaling limits must be ordered, and no more than 8 apart",
};

export function endpointRoutes(
  app: Hono,
  project: {
    readonly world: () => World;
    readonly shownEndpoint: (one: Endpoint) => object;
    /** Runs it; the operation as the vendor shows it. */
    readonly start: (one: Endpoint, of: Branch) => object;
    readonly begin: (action: string, one: Endpoint) => object;
    readonly stop: (endpointId: string) => void;
  },
): void {
  const { world, shownEndpoint, start, begin, stop } = project;

  app.get("/endpoints", (c) => c.json({ endpoints: world().endpoints.map(shownEndpoint) }));

  app.post("/endpoints", async (c) => {
    const asked = newEndpoint.safeParse(await json(c));
    if (!asked.success) return refuseShape(c, asked.error);
    const { branch_id: branchId, type, name = null, ...limits } = asked.data.endpoint;
    const of = world().branches.find(({ id }) => id === branchId);
    if (of === undefined) return refuse(c, 404, NOT_FOUND);
    const isTaken = world().endpoints.some(
      (one) => one.branchId === branchId && one.type === "read_write",
    );
    if (type === "read_write" && isTaken) {
      const message = "the branch already has a read-write endpoint";
      return refuse(c, 400, { code: "BAD_REQUEST", message });
    }
    const minCu = limits.autoscaling_limit_min_cu ?? CU_MIN;
    const maxCu = limits.autoscaling_limit_max_cu ?? Math.max(minCu, 2);
    if (!areLimits(minCu, maxCu)) return refuse(c, 400, BAD_LIMITS);
    const made = endpoint.parse({
      id: `ep-${crypto.randomUUID().slice(0, 8)}`,
      branchId,
      type,
      name,
      minCu,
      maxCu,
    });
    world().endpoints.push(made);
    const started = start(made, of);
    return c.json({ endpoint: shownEndpoint(made), operations: [started] }, 201);
  });

  app.delete("/endpoints/:id", (c) => {
    const gone = world().endpoints.find(({ id }) => id === c.req.param("id"));
    if (gone === undefined) return refuse(c, 404, NOT_FOUND);
    world().endpoints = world().endpoints.filter((one) => one !== gone);
    stop(gone.id);
    return c.json({
      endpoint: shownEndpoint(gone),
      operations: [begin("delete_endpoint", gone)],
    });
  });

  app.patch("/endpoints/:id", async (c) => {
    const one = world().endpoints.find(({ id }) => id === c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NOT_FOUND);
    const asked = changedEndpoint.safeParse(await json(c));
    if (!asked.success) return refuseShape(c, asked.error);
    const { autoscaling_limit_min_cu: min, autoscaling_limit_max_cu: max } = asked.data.endpoint;
    const [minCu, maxCu] = [min ?? one.minCu, max ?? one.maxCu];
    if (!areLimits(minCu, maxCu)) return refuse(c, 400, BAD_LIMITS);
    Object.assign(one, { minCu, maxCu });
    return c.json({
      endpoint: shownEndpoint(one),
      operations: [begin("apply_config", one)],
    });
  });
}
