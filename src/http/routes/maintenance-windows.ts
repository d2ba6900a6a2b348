/** Planned windows: maintenance, or read-only, that is declared ahead and begins and ends by itself. */
import { createRoute, z } from "@hono/zod-openapi";
import { silenceState, type Silence } from "../../alerts/silences.ts";
import { instanceOf } from "../../playbooks/site.ts";
import { ENTRY_LIFE_MS_MAX } from "../../policy/compile.ts";
import {
  windowEntry,
  windowOf,
  WINDOWS_MAX,
  windowsIn,
  type Window,
} from "../../policy/windows.ts";
import { formatDuration } from "../../shared/duration.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders, requestId } from "../idempotency.ts";
import { Problem } from "../problems.ts";
import { listOf, moment, text, visitorMessage } from "../schemas.ts";
import { iso } from "../times.ts";
import { matcherErrors, matchers, refusal } from "./silences.ts";
import { say } from "../../shared/log.ts";

const WINDOW_MS_MIN = 60_000;
/** Longer than this nobody plans to be away. */
const WINDOW_MS_MAX = 7 * 24 * 3_600_000;
/** Clocks differ, and the request took a while: this long ago is now. */
const PAST_MS_MAX = 60_000;

const params = z.object({
  id: z.string().regex(/^win_[0-9A-Za-z]{26}$/, "write win_ and its 26 characters"),
});

const shown = z
  .object({
    id: z.string(),
    kind: z.enum(["maintenance", "read-only"]),
    state: z.enum(["scheduled", "in_progress"]),
    startsAt: moment,
    endsAt: moment,
    message: z.string().nullable(),
    reason: z.string(),
    /** Of what it keeps quiet: alerts and incidents that all of these mean; empty when it keeps nothing quiet. */
    matchers: z.array(z.string()),
  })
  .openapi("MaintenanceWindow");

const declaration = z
  .strictObject({
    kind: z.enum(["maintenance", "read-only"]).default("maintenance"),
    startsAt: moment,
    endsAt: moment,
    message: visitorMessage.optional().describe("What visitors read; else the site's sentence"),
    reason: text.max(500),
    matchers: matchers
      .optional()
      .describe(
        "Alerts and incidents that nobody is told of while it lasts; with none, nothing is quiet",
      ),
  })
  .openapi("MaintenanceWindowDeclaration");

const declare = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/maintenance-windows",
  tags: ["maintenance windows"],
  summary: "Declare a window ahead",
  request: { headers: idempotencyHeaders, body: takes(declaration) },
  responses: { 201: answers(shown, "Declared"), ...problems },
});

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/maintenance-windows",
  tags: ["maintenance windows"],
  summary: "List the windows that are scheduled or in progress",
  responses: { 200: answers(listOf(shown), "All of them, by when they begin"), ...problems },
});

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/maintenance-windows/{id}",
  tags: ["maintenance windows"],
  summary: "Read a window",
  request: { params },
  responses: { 200: answers(shown, "The window"), ...problems },
});

const change = createRoute({
  ...forRole("responder"),
  method: "patch",
  path: "/api/v1/maintenance-windows/{id}",
  tags: ["maintenance windows"],
  summary: "Change what visitors read, or when it ends",
  request: {
    params,
    headers: idempotencyHeaders,
    body: takes(
      z.strictObject({ message: visitorMessage.nullable().optional(), endsAt: moment.optional() }),
    ),
  },
  responses: { 200: answers(shown, "The window, changed"), ...problems },
});

const cancel = createRoute({
  ...forRole("responder"),
  method: "delete",
  path: "/api/v1/maintenance-windows/{id}",
  tags: ["maintenance windows"],
  summary: "Cancel a window, or end it now",
  request: { params, headers: idempotencyHeaders },
  responses: { 204: { description: "It is over" }, ...problems },
});

export function maintenanceWindowRoutes(api: Api, deps: HttpDeps): void {
  const presentAll = async (windows: readonly Window[]) => {
    const silences = windows.length === 0 ? [] : await deps.desk.silences();
    return windows.map((window) => present(window, silences, deps.now()));
  };
  const presented = async (window: Window) =>
    present(window, await deps.desk.silences(), deps.now());

  api.openapi(declare, async (c) => {
    const { startsAt, endsAt, message = null, matchers: quiet, ...given } = c.req.valid("json");
    const id = requestId(c, "win", deps.newId);
    const windows = windowsIn(await deps.policy.entries());
    const known = windows.find((window) => window.id === id);
    if (known !== undefined) return c.json(await presented(known), 201);
    if (windows.length >= WINDOWS_MAX) {
      throw wrong("body", `${WINDOWS_MAX} windows are declared already`, "cancel one first");
    }
    const times = { startsAtMs: Date.parse(startsAt), endsAtMs: Date.parse(endsAt) };
    const declared = { ...given, id, message, ...times };
    checkStart(declared, deps.now());
    checkEnd(declared, deps.now());
    // Before the window: asked again after a failure in between, both are as they should be.
    if (quiet !== undefined) await keepQuiet(deps, declared, quiet, c.var.caller.name);
    await putNew(deps, declared, c.var.caller.name);
    sayOf("declared", { id, by: c.var.caller.name, startsAt, endsAt });
    return c.json(await presented(declared), 201);
  });

  api.openapi(list, async (c) => {
    const items = windowsIn(await deps.policy.entries());
    return c.json({ items: await presentAll(items), next: null }, 200);
  });

  api.openapi(read, async (c) => {
    const found = await windowNamed(deps, c.req.valid("param").id);
    return c.json(await presented(found), 200);
  });

  api.openapi(change, async (c) => {
    const found = await windowNamed(deps, c.req.valid("param").id);
    const { message = found.message, endsAt } = c.req.valid("json");
    const endsAtMs = endsAt === undefined ? found.endsAtMs : Date.parse(endsAt);
    const changed = { ...found, message, endsAtMs };
    checkEnd(changed, deps.now());
    const quiet = (await deps.desk.silences()).find((silence) => silence.id === found.id);
    if (quiet !== undefined && silenceState(quiet, deps.now()) !== "expired") {
      await keepQuiet(deps, changed, quiet.matchers, c.var.caller.name);
    }
    await put(deps, changed);
    sayOf("changed", { id: found.id, by: c.var.caller.name, endsAt: iso(endsAtMs) });
    return c.json(await presented(changed), 200);
  });

  api.openapi(cancel, async (c) => {
    const { id } = c.req.valid("param");
    const removed = await deps.policy.remove(id);
    if (!removed.ok) throw new Problem("unavailable", removed.error.detail);
    await deps.desk.expireSilence(id, c.var.caller.name, deps.now());
    if (!removed.value.existed && c.req.header("idempotency-key") === undefined) throw missing(id);
    sayOf("cancelled", { id, by: c.var.caller.name });
    return c.body(null, 204);
  });
}

const sayOf = (window: string, of: Readonly<Record<string, string>>): void =>
  say("info", { part: "alerts", window, ...of });

async function putNew(deps: HttpDeps, declared: Window, by: string): Promise<void> {
  try {
    await put(deps, declared);
  } catch (fault) {
    // Refused, it is no window, and keeps nothing quiet. What merely failed is asked again.
    if (fault instanceof Problem) await deps.desk.expireSilence(declared.id, by, deps.now());
    throw fault;
  }
}

async function put({ policy, bundle, now }: HttpDeps, declared: Window): Promise<void> {
  checkEnd(declared, now());
  const owner = `${instanceOf(bundle.site)}/maintenance-windows`;
  const answer = await policy.put(windowEntry(declared, owner));
  if (!answer.ok) throw wrong("body", answer.error.detail, "a window that the policy takes");
}

/** A silence of the window's own id and times, so that it ends with it by the clock. */
async function keepQuiet(
  { desk, now }: HttpDeps,
  { id, startsAtMs, endsAtMs, reason }: Window,
  quiet: readonly string[],
  by: string,
): Promise<void> {
  const errors = matcherErrors(quiet);
  if (errors.length > 0) {
    throw new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
      errors,
    });
  }
  const terms = { id, matchers: quiet, startsAtMs, endsAtMs, author: by, comment: reason };
  const answer = await desk.silence({ ...terms, by, as: "either", atMs: now() });
  if (!answer.ok) throw refusal(answer.error, id);
}

function checkStart({ startsAtMs }: Window, nowMs: number): void {
  if (startsAtMs >= nowMs - PAST_MS_MAX) return;
  throw wrong("body.startsAt", `${iso(startsAtMs)} is past`, `from ${iso(nowMs)} on`);
}

function checkEnd({ startsAtMs, endsAtMs }: Window, nowMs: number): void {
  const lastMs = Math.min(startsAtMs + WINDOW_MS_MAX, nowMs + ENTRY_LIFE_MS_MAX);
  const firstMs = Math.max(startsAtMs + WINDOW_MS_MIN, nowMs);
  if (endsAtMs > nowMs && endsAtMs >= firstMs && endsAtMs <= lastMs) return;
  const allowed = `${iso(firstMs)} to ${iso(lastMs)}`;
  const limits = `${formatDuration(WINDOW_MS_MIN)} to ${formatDuration(WINDOW_MS_MAX)}`;
  const message = `a window lasts ${limits}, and ends within ${formatDuration(ENTRY_LIFE_MS_MAX)}`;
  throw wrong("body.endsAt", message, allowed);
}

const wrong = (field: string, message: string, allowed: string): Problem =>
  new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
    errors: [{ field, message, allowed }],
  });

const missing = (id: string): Problem =>
  new Problem("not-found", `No window ${id} is scheduled or in progress.`);

async function windowNamed({ policy }: HttpDeps, id: string): Promise<Window> {
  const entry = await policy.get(id);
  const found = entry === null ? null : windowOf(entry);
  if (found === null) throw missing(id);
  return found;
}

const present = (
  window: Window,
  silences: readonly Silence[],
  nowMs: number,
): z.infer<typeof shown> => ({
  id: window.id,
  kind: window.kind,
  state: window.startsAtMs > nowMs ? "scheduled" : "in_progress",
  startsAt: iso(window.startsAtMs),
  endsAt: iso(window.endsAtMs),
  message: window.message,
  reason: window.reason,
  matchers: [...(silences.find(({ id }) => id === window.id)?.matchers ?? [])],
});
