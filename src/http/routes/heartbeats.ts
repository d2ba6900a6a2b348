/** Jobs say when they ran: a backup, a nightly import. Declared in `site.yaml`; silence is the signal. */
import { createRoute, z } from "@hono/zod-openapi";
import { equalInConstantTime } from "../../shared/equal.ts";
import { redact } from "../../shared/redact.ts";
import { sha256Hex } from "../../shared/ids.ts";
import { answers, limitBody, optionally, problems, type Api } from "../api-app.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";

const BODY_BYTES_MAX = 4 * 1024;
const DETAIL_MAX = 500;

const beat = z.strictObject({
  /** `failed` is a signal of its own, at once. */
  status: z.enum(["ok", "failed"]).default("ok"),
  /** For the on-call engineer: a size, a count of rows checked, an error. */
  detail: z.string().trim().min(1).max(DETAIL_MAX).optional(),
  /** From a job that measures something: what it measured. */
  value: z.number().min(0).max(1).optional(),
});
const taken = z.object({ accepted: z.literal(true), name: z.string() }).openapi("HeartbeatReceipt");

const receive = createRoute({
  method: "post",
  path: "/heartbeats/{name}",
  tags: ["heartbeats"],
  summary: "A job says that it ran",
  description: "Authenticated by `Authorization: Bearer` and the secret HEARTBEAT_TOKEN.",
  middleware: [limitBody(BODY_BYTES_MAX)],
  request: {
    params: z.object({ name: z.string().max(60) }),
    body: optionally(beat.prefault({})),
  },
  responses: { 202: answers(taken, "Taken"), ...problems },
});

export function heartbeatRoute(api: Api, deps: HttpDeps): void {
  api.openapi(receive, async (c) => {
    authenticate(c.req.header("authorization"), deps.heartbeatToken);
    const { name } = c.req.valid("param");
    const declared = deps.bundle.site.heartbeats.find((one) => one.name === name);
    if (declared === undefined) {
      throw new Problem("not-found", "site.yaml declares no heartbeat of that name.");
    }
    const { status, detail = null, value = null } = c.req.valid("json");
    // Without a body there is no status either, whatever the schema's default says.
    const isOk = status !== "failed";
    checkValue(value, isOk, declared.measures ?? null);
    // Jobs paste what their tools print, connection strings included, and viewers read it.
    const said = detail === null ? null : redact(detail);
    await deps.desk.beat({ name, isOk, detail: said, value, atMs: deps.now() });
    if (!isOk) c.executionCtx.waitUntil(deps.monitor.poke("suspicion").catch(() => null));
    return c.json({ accepted: true, name } as const, 202);
  });
}

/** @throws {Problem} naming the field, when what is measured is missing or nothing is. */
function checkValue(value: number | null, isOk: boolean, measures: string | null): void {
  const message =
    measures === null
      ? value !== null && "site.yaml does not say what this job measures"
      : isOk && value === null && `this job measures ${measures}`;
  if (message === false) return;
  throw new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
    errors: [{ field: "body.value", message, allowed: measures === null ? "nothing" : "0 to 1" }],
  });
}

function authenticate(authorization: string | undefined, token: string | undefined): void {
  // 503, so that a careful job tries again.
  if (token === undefined || token === "") {
    throw new Problem("not-configured", "The secret HEARTBEAT_TOKEN is not set.");
  }
  const [, shown = ""] = /^Bearer +(\S{1,512})$/i.exec(authorization ?? "") ?? [];
  if (equalInConstantTime(sha256Hex(shown), sha256Hex(token))) return;
  throw new Problem("unauthorized", "The heartbeat token is needed.");
}
