/** Instatus's API, as far as incidents of one page go: made, updated, listed; components stand as they were last set. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const INCIDENTS_MAX = 1_000;

const status = z.enum(["INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"]);
const componentStatus = z.enum([
  "OPERATIONAL",
  "UNDERMAINTENANCE",
  "DEGRADEDPERFORMANCE",
  "PARTIALOUTAGE",
  "MAJOROUTAGE",
]);
const said = {
  message: z.string().min(1).max(10_000),
  status,
  started: z.iso.datetime(),
  components: z.array(z.string()),
  statuses: z.array(z.strictObject({ id: z.string(), status: componentStatus })),
  notify: z.boolean(),
};
const made = z.strictObject({ ...said, name: z.string().min(1).max(200) });
const updated = z.strictObject(said);
type Said = z.output<typeof updated>;

type Incident = {
  readonly id: string;
  readonly name: string;
  readonly started: string;
  status: Said["status"];
  components: readonly string[];
  readonly updates: {
    readonly started: string;
    readonly status: string;
    readonly message: string;
  }[];
};

export function instatus(account: {
  readonly apiKey: string;
  readonly page: string;
  readonly components: readonly string[];
}): Vendor {
  let incidents: Incident[] = [];
  const components = new Map<string, string>();
  const reset = (): void => {
    incidents = [];
    for (const id of account.components) components.set(id, "OPERATIONAL");
  };
  reset();
  const app = new Hono().basePath(`/v1/${account.page}`);

  app.use(async (c, next) =>
    c.req.header("authorization") === `Bearer ${account.apiKey}`
      ? next()
      : c.json({ error: { code: "notAuthorized" } }, 401),
  );
  const refuse = (c: Context, message: string): Response =>
    c.json({ error: { code: "badRequest", message } }, 400);

  /** False: it names a component that the page does not have. */
  const take = (incident: Incident, { message, status: is, started, ...more }: Said): boolean => {
    const named = [...more.components, ...more.statuses.map(({ id }) => id)];
    if (named.some((id) => !components.has(id))) return false;
    for (const { id, status: set } of more.statuses) components.set(id, set);
    incident.status = is;
    incident.components = more.components;
    incident.updates.push({ started, status: is, message });
    return true;
  };
  const shown = ({ components: touched, ...incident }: Incident) => ({
    ...incident,
    components: touched.map((id) => ({ id, status: components.get(id) })),
  });

  app.get("/incidents", (c) => {
    const { page = "1", per_page: size = "50" } = c.req.query();
    const from = (Number(page) - 1) * Number(size);
    return c.json(
      incidents
        .toReversed()
        .slice(from, from + Math.min(Number(size), 100))
        .map(shown),
    );
  });
  app.post("/incidents", async (c) => {
    const asked = made.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, z.prettifyError(asked.error));
    if (incidents.length >= INCIDENTS_MAX) return refuse(c, "too many incidents");
    const { name, ...first } = asked.data;
    const { started } = first;
    const id = `ckf01${String(incidents.length + 1).padStart(6, "0")}`;
    const incident = { id, name, started, status: first.status, components: [], updates: [] };
    if (!take(incident, first)) return refuse(c, "no such component");
    incidents.push(incident);
    return c.json(shown(incident));
  });
  app.post("/incidents/:id/incident-updates", async (c) => {
    const incident = incidents.find(({ id }) => id === c.req.param("id"));
    if (incident === undefined) return c.json({ error: { code: "notFound" } }, 404);
    const asked = updated.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, z.prettifyError(asked.error));
    if (!take(incident, asked.data)) return refuse(c, "no such component");
    return c.json({ id: `${incident.id}u${incident.updates.length}` });
  });
  app.put("/components/:id", async (c) => {
    const id = c.req.param("id");
    if (!components.has(id)) return c.json({ error: { code: "notFound" } }, 404);
    const asked = z
      .strictObject({ status: componentStatus })
      .safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, z.prettifyError(asked.error));
    components.set(id, asked.data.status);
    return c.json({ id, status: asked.data.status });
  });
  app.notFound((c) => c.json({ error: { code: "notFound" } }, 404));

  return {
    name: "instatus",
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
