/** Better Stack's API, as far as reports of one status page go: made, updated, listed, with their updates; resources stand as the reports say. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const REPORTS_MAX = 1_000;

const said = {
  message: z.string().min(1).max(10_000),
  affected_resources: z
    .array(
      z.strictObject({
        status_page_resource_id: z.string(),
        status: z.enum(["downtime", "degraded", "resolved"]),
      }),
    )
    .min(1),
  notify_subscribers: z.boolean().optional(),
};
const made = z.strictObject({
  ...said,
  title: z.string().min(1).max(200),
  report_type: z.literal("manual"),
  starts_at: z.iso.datetime(),
});
const updated = z.strictObject({ ...said, published_at: z.iso.datetime().optional() });
type Affected = z.output<typeof updated>["affected_resources"];

type Report = {
  readonly id: string;
  readonly title: string;
  readonly startsAt: string;
  affected: Affected;
  readonly updates: { readonly message: string; readonly publishedAt: string }[];
};

export function betterStack(account: {
  readonly token: string;
  readonly page: string;
  readonly components: readonly string[];
}): Vendor {
  let reports: Report[] = [];
  const app = new Hono().basePath(`/api/v2/status-pages/${account.page}/status-reports`);

  app.use(async (c, next) =>
    c.req.header("authorization") === `Bearer ${account.token}`
      ? next()
      : c.json({ errors: "Invalid Team API token" }, 401),
  );
  const refuse = (c: Context, errors: string): Response => c.json({ errors }, 422);
  const areKnown = (affected: Affected): boolean =>
    affected.every(({ status_page_resource_id: id }) => account.components.includes(id));
  const shown = ({ id, title, startsAt, affected }: Report) => ({
    id,
    type: "status_report",
    attributes: { title, report_type: "manual", starts_at: startsAt, affected_resources: affected },
  });
  const page = <T>(c: Context, all: readonly T[]): T[] =>
    all.toReversed().slice(0, Math.min(Number(c.req.query("per_page") ?? "50"), 250));

  app.get("/", (c) => c.json({ data: page(c, reports).map(shown), pagination: {} }));
  app.post("/", async (c) => {
    const asked = made.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, z.prettifyError(asked.error));
    const { title, message, starts_at: startsAt, affected_resources: affected } = asked.data;
    if (!areKnown(affected)) return refuse(c, "no such resource");
    if (reports.length >= REPORTS_MAX) return refuse(c, "too many reports");
    const id = String(7_000 + reports.length);
    // It says when it heard of it, whenever that began.
    const updates = [{ message, publishedAt: new Date().toISOString() }];
    const report = { id, title, startsAt, affected, updates };
    reports.push(report);
    return c.json({ data: shown(report) }, 201);
  });

  const at = (c: Context): Report | undefined => reports.find(({ id }) => id === c.req.param("id"));
  app.get("/:id/status-updates", (c) => {
    const report = at(c);
    if (report === undefined) return c.json({ errors: "Resource not found" }, 404);
    const data = page(c, report.updates).map(({ message, publishedAt }, index) => ({
      id: String(index),
      type: "status_update",
      attributes: { message, published_at: publishedAt },
    }));
    return c.json({ data, pagination: {} });
  });
  app.post("/:id/status-updates", async (c) => {
    const report = at(c);
    if (report === undefined) return c.json({ errors: "Resource not found" }, 404);
    const asked = updated.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, z.prettifyError(asked.error));
    const { message, affected_resources: affected, published_at: publishedAt } = asked.data;
    if (!areKnown(affected)) return refuse(c, "no such resource");
    report.affected = affected;
    report.updates.push({ message, publishedAt: publishedAt ?? new Date().toISOString() });
    return c.json({ data: { id: String(report.updates.length), type: "status_update" } }, 201);
  });
  app.notFound((c) => c.json({ errors: "Resource not found" }, 404));

  return {
    name: "better-stack",
    fetch: (request) => app.fetch(request),
    state: () => ({ reports }),
    setState: (value) => {
      // What people do by hand: delete reports.
      const { keep } = z.strictObject({ keep: z.array(z.string()) }).parse(value);
      reports = reports.filter(({ id }) => keep.includes(id));
    },
    reset: () => {
      reports = [];
    },
  };
}
