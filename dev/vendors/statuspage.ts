/** Atlassian Statuspage's API, as far as incidents of one page go: made, updated, listed; components stand as they were last set. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const INCIDENTS_MAX = 1_000;

const status = z.enum(["investigating", "identified", "monitoring", "resolved"]);
const componentStatus = z.enum([
  "operational",
  "degraded_performance",
  "partial_outage",
  "major_outage",
  "under_maintenance",
]);
const fields = z.strictObject({
  name: z.string().min(1).max(200),
  status,
  impact_override: z.enum(["none", "minor", "major", "critical", "maintenance"]).optional(),
  body: z.string().min(1).max(25_000).optional(),
  component_ids: z.array(z.string()).optional(),
  components: z.record(z.string(), componentStatus).optional(),
  deliver_notifications: z.boolean().optional(),
  /** Of the page's owner: the public does not see it. */
  metadata: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
const made = z.strictObject({ incident: fields });
const changed = z.strictObject({ incident: fields.partial() });
type Change = z.output<typeof changed>["incident"];

type Incident = {
  readonly id: string;
  name: string;
  status: z.output<typeof status>;
  impact: string;
  componentIds: readonly string[];
  metadata: NonNullable<Change["metadata"]>;
  readonly updates: { readonly status: string; readonly body: string }[];
};

export function statuspage(account: {
  readonly apiKey: string;
  readonly page: string;
  readonly components: readonly string[];
}): Vendor {
  let incidents: Incident[] = [];
  const components = new Map<string, string>();
  const reset = (): void => {
    incidents = [];
    for (const id of account.components) components.set(id, "operational");
  };
  reset();
  const app = new Hono().basePath(`/v1/pages/${account.page}`);

  app.use(async (c, next) =>
    c.req.header("authorization") === `OAuth ${account.apiKey}`
      ? next()
      : c.json({ error: "Could not authenticate" }, 401),
  );

  /** Null: it names a component that the page does not have. */
  const take = (incident: Incident, change: Change): Incident | null => {
    const named = [...(change.component_ids ?? []), ...Object.keys(change.components ?? {})];
    if (named.some((id) => !components.has(id))) return null;
    for (const [id, set] of Object.entries(change.components ?? {})) components.set(id, set);
    incident.name = change.name ?? incident.name;
    incident.status = change.status ?? incident.status;
    incident.impact = change.impact_override ?? incident.impact;
    incident.componentIds = change.component_ids ?? incident.componentIds;
    incident.metadata = { ...incident.metadata, ...change.metadata };
    if (change.body !== undefined) {
      incident.updates.push({ status: incident.status, body: change.body });
    }
    return incident;
  };
  const shown = ({ id, name, status: is, impact, componentIds, metadata, updates }: Incident) => ({
    id,
    name,
    status: is,
    impact,
    metadata,
    components: componentIds.map((of) => ({ id: of, status: components.get(of) })),
    incident_updates: updates.toReversed(),
  });
  const refuse = (c: Context, error: unknown): Response => c.json({ error }, 422);

  app.get("/incidents", (c) => {
    const { limit = "100" } = c.req.query();
    return c.json(
      incidents
        .toReversed()
        .slice(0, Math.min(Number(limit), 100))
        .map(shown),
    );
  });
  app.post("/incidents", async (c) => {
    const asked = made.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, z.prettifyError(asked.error));
    if (incidents.length >= INCIDENTS_MAX) return refuse(c, "too many incidents");
    const { name, status: is } = asked.data.incident;
    const id = `inc${incidents.length + 1}`;
    const fresh = {
      id,
      name,
      status: is,
      impact: "none",
      componentIds: [],
      metadata: {},
      updates: [],
    };
    const incident = take(fresh, asked.data.incident);
    if (incident === null) return refuse(c, "no such component");
    incidents.push(incident);
    return c.json(shown(incident), 201);
  });
  app.patch("/incidents/:id", async (c) => {
    const incident = incidents.find(({ id }) => id === c.req.param("id"));
    if (incident === undefined) return c.json({ error: "Not found" }, 404);
    const asked = changed.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, z.prettifyError(asked.error));
    const taken = take(incident, asked.data.incident);
    return taken === null ? refuse(c, "no such component") : c.json(shown(taken));
  });
  app.notFound((c) => c.json({ error: "Not found" }, 404));

  return {
    name: "statuspage",
    fetch: (request) => app.fetch(request),
    state: () => ({ incidents: incidents.map(shown), components: Object.fromEntries(components) }),
    setState: (value) => {
      // What people do by hand: delete incidents.
      const { keep } = z.strictObject({ keep: z.array(z.string()) }).parse(value);
      incidents = incidents.filter(({ id }) => keep.includes(id));
    },
    reset,
  };
}
