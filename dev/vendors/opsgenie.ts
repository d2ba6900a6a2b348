/** Opsgenie's Alert API, which Jira Service Management kept: alerts by their alias, counted up while they are open. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const ALERTS_MAX = 1_000;

const made = z.strictObject({
  message: z.string().min(1).max(130),
  alias: z.string().min(1).max(512),
  description: z.string().max(15_000).optional(),
  priority: z.enum(["P1", "P2", "P3", "P4", "P5"]).optional(),
  source: z.string().max(100).optional(),
  entity: z.string().max(512).optional(),
  tags: z.array(z.string().max(50)).max(20).optional(),
  details: z.record(z.string(), z.string()).optional(),
});
const changed = z.strictObject({
  source: z.string().max(100).optional(),
  note: z.string().max(25_000).optional(),
});

type Alert = {
  readonly alias: string;
  status: "open" | "acknowledged" | "closed";
  priority: string;
  /** How often it was made while it was open. */
  count: number;
  /** How often somebody was called. */
  pages: number;
};

export function opsgenie(account: { readonly apiKey: string }): Vendor {
  const alerts = new Map<string, Alert>();
  const app = new Hono().basePath("/v2/alerts");

  app.use(async (c, next) => {
    if (c.req.header("authorization") !== `GenieKey ${account.apiKey}`) {
      return c.json({ message: "Could not authenticate", took: 0.001, requestId: "r" }, 401);
    }
    return next();
  });

  app.post("/", async (c) => {
    const asked = made.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return c.json({ message: z.prettifyError(asked.error) }, 422);
    if (alerts.size >= ALERTS_MAX) return c.json({ message: "You are making too many" }, 429);
    const { alias, priority = "P3" } = asked.data;
    const known = alerts.get(alias);
    if (known === undefined || known.status === "closed") {
      const pages = (known?.pages ?? 0) + 1;
      alerts.set(alias, { alias, status: "open", priority, count: 1, pages });
    } else known.count += 1;
    return accepted(c);
  });

  for (const [action, status] of [
    ["acknowledge", "acknowledged"],
    ["close", "closed"],
  ] as const) {
    app.post(`/:alias/${action}`, async (c) => {
      if (c.req.query("identifierType") !== "alias") {
        return c.json({ message: "identifier is not an id" }, 422);
      }
      const asked = changed.safeParse(await c.req.json().catch(() => null));
      if (!asked.success) return c.json({ message: z.prettifyError(asked.error) }, 422);
      const known = alerts.get(c.req.param("alias"));
      if (known !== undefined && known.status !== "closed") known.status = status;
      // Requests are taken first and carried out later: an alias that nobody knows is no error here.
      return accepted(c);
    });
  }
  app.notFound((c) => c.json({ message: "Not Found" }, 404));

  return {
    name: "opsgenie",
    fetch: (request) => app.fetch(request),
    state: () => ({ alerts: [...alerts.values()] }),
    reset: () => alerts.clear(),
  };
}

const accepted = (c: Context): Response =>
  c.json({ result: "Request will be processed", took: 0.1, requestId: crypto.randomUUID() }, 202);
