/** What is known about production, and why the rest is not. */
import { createRoute, z } from "@hono/zod-openapi";
import { catalogue, SOURCE_IDS, type SignalSpec } from "../../signals/catalogue.ts";
import { asSeenAt, isKnown, UNKNOWN_REASONS, type Signal } from "../../signals/signal.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";
import { listOf, moment } from "../schemas.ts";
import { iso, isoOrNull } from "../times.ts";

const HISTORY_MS = 60 * 60_000;

const sample = z.object({
  at: moment.nullable(),
  /** Absent while unknown. */
  value: z.union([z.number(), z.boolean(), z.string()]).optional(),
  /** Why there is no value. */
  unknown: z.enum(UNKNOWN_REASONS).optional(),
  detail: z.string().optional(),
});
const signal = sample
  .extend({
    name: z.string(),
    type: z.enum(["double", "int", "bool", "string"]),
    unit: z.string(),
    source: z.enum(SOURCE_IDS),
    evidence: z.object({ kind: z.enum(["passive", "active", "told"]), vantage: z.string() }),
    describes: z.string(),
  })
  .openapi("Signal");

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/signals",
  tags: ["signals"],
  summary: "Every signal there is, known or not",
  responses: {
    200: answers(listOf(signal).extend({ at: moment.nullable() }), "The signals of now"),
    ...problems,
  },
});

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/signals/{name}",
  tags: ["signals"],
  summary: "One signal, and its last hour",
  request: { params: z.object({ name: z.string().max(100) }) },
  responses: {
    200: answers(signal.extend({ history: z.array(sample) }), "The signal"),
    ...problems,
  },
});

export function signalRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(list, async (c) => {
    const { atMs, signals } = await deps.monitor.signals();
    const seen = asSeenAt(signals, deps.now());
    const items = Object.entries(catalogue).map(([name, spec]) => present(name, spec, seen[name]));
    return c.json({ at: isoOrNull(atMs), items, next: null }, 200);
  });

  api.openapi(read, async (c) => {
    const { name } = c.req.valid("param");
    const spec = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
    if (spec === undefined) throw new Problem("not-found", `There is no signal "${name}".`);
    const [{ signals }, history] = await Promise.all([
      deps.monitor.signals(),
      deps.monitor.history(name, deps.now() - HISTORY_MS),
    ]);
    const seen = asSeenAt(signals, deps.now());
    return c.json({ ...present(name, spec, seen[name]), history: history.map(presentSample) }, 200);
  });
}

const present = (
  name: string,
  spec: SignalSpec,
  value: Signal | undefined,
): z.infer<typeof signal> => ({
  name,
  ...(value === undefined
    ? { at: null, unknown: "no_data", detail: "it was never collected" }
    : presentSample(value)),
  type: spec.type,
  unit: spec.unit,
  source: spec.source,
  evidence: { ...spec.evidence },
  describes: spec.describes,
});

const presentSample = (value: Signal): z.infer<typeof sample> =>
  isKnown(value)
    ? { at: iso(value.atMs), value: value.value }
    : {
        at: iso(value.atMs),
        unknown: value.unknown,
        ...(value.detail === undefined ? {} : { detail: value.detail }),
      };
