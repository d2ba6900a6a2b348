/**
 * The vendors of the local stack, on one server: each under its name, its control under `/__vendor/<name>` (GET what it
 * got, POST a fault, DELETE `/fault`, PUT its state, DELETE everything), and the stack's own control under `/__stack`.
 */
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { serveLoopback, type LoopbackServer } from "./loopback.ts";
import { CALLS_MAX, fault, type Call, type Fault, type Vendor } from "./vendors/vendor.ts";

const BODY_BYTES_MAX = 1024 * 1024;
const TIMEOUT_FAULT_MS = 60_000;
/** Kept as a word only, so that a recorded call can be shown to anyone. */
const SECRET_HEADERS = new Set(["authorization", "cookie", "x-api-key"]);

type Desk = {
  readonly vendor: Vendor;
  readonly calls: Call[];
  fault: (Pick<Fault, "kind" | "every" | "method"> & { timesLeft: number; met: number }) | null;
};

/** Serves every vendor; `stackControl` answers below `/__stack`. */
export async function startVendors(options: {
  readonly vendors: readonly Vendor[];
  readonly stackControl?: Hono;
  readonly port?: number | undefined;
}): Promise<LoopbackServer> {
  const app = new Hono();
  app.onError((error, c) =>
    error instanceof z.ZodError || error instanceof SyntaxError
      ? c.json({ error: error.message }, 400)
      : c.json({ error: "the stand-in itself failed" }, 500),
  );
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX }));
  if (options.stackControl !== undefined) app.route("/__stack", options.stackControl);
  for (const vendor of options.vendors) {
    const desk: Desk = { vendor, calls: [], fault: null };
    app.route(`/__vendor/${vendor.name}`, control(desk));
    app.all(`/${vendor.name}/*`, (c) => receive(desk, c));
    app.all(`/${vendor.name}`, (c) => receive(desk, c));
  }
  return serveLoopback(app.fetch, options.port);
}

function control(desk: Desk): Hono {
  const { vendor } = desk;
  const app = new Hono();
  app.get("/", (c) =>
    c.json({
      name: vendor.name,
      state: vendor.state?.() ?? null,
      fault: desk.fault,
      calls: desk.calls,
    }),
  );
  app.post("/", async (c) => {
    const { kind, times, every, method } = fault.parse(await c.req.json());
    desk.fault = { kind, timesLeft: times, every, method, met: 0 };
    return c.body(null, 204);
  });
  app.delete("/fault", (c) => {
    desk.fault = null;
    return c.body(null, 204);
  });
  app.put("/", async (c) => {
    if (vendor.setState === undefined) return c.json({ error: `${vendor.name} has no state` }, 405);
    vendor.setState(await c.req.json());
    return c.body(null, 204);
  });
  app.delete("/", (c) => {
    desk.calls.length = 0;
    desk.fault = null;
    vendor.reset();
    return c.body(null, 204);
  });
  return app;
}

/** Takes one call: the fault that is due, or the vendor's own answer; either way it is recorded. */
async function receive(desk: Desk, c: Context): Promise<Response> {
  const body = await c.req.text();
  const { pathname, search } = new URL(c.req.url);
  const path = pathname.slice(desk.vendor.name.length + 1) || "/";
  const request = new Request(new URL(`${path}${search}`, c.req.url), {
    method: c.req.method,
    headers: c.req.raw.headers,
    ...(body === "" ? {} : { body }),
  });
  const kind = takeFault(desk, request.method);
  const response = await respond(desk.vendor, request, kind, (status) => {
    desk.calls.push({
      atMs: Date.now(),
      method: c.req.method,
      path,
      headers: redact(c.req.header()),
      body,
      status,
      fault: kind,
    });
    if (desk.calls.length > CALLS_MAX) desk.calls.shift();
  });
  return response;
}

function takeFault(desk: Desk, asked: string): Fault["kind"] | null {
  if (desk.fault === null) return null;
  const { kind, method } = desk.fault;
  const isMeant = method === "WRITE" ? asked !== "GET" : (method ?? asked) === asked;
  if (!isMeant) return null;
  desk.fault.met += 1;
  if (desk.fault.met % desk.fault.every !== 0) return null;
  desk.fault.timesLeft -= 1;
  if (desk.fault.timesLeft === 0) desk.fault = null;
  return kind;
}

async function respond(
  vendor: Vendor,
  request: Request,
  kind: Fault["kind"] | null,
  record: (status: number | null) => void,
): Promise<Response> {
  const answer = (response: Response): Response => {
    record(response.status);
    return response;
  };
  switch (kind) {
    case null:
      return answer(await vendor.fetch(request));
    case "403":
      return answer(new Response("Forbidden", { status: 403 }));
    case "429":
      return answer(
        new Response("Too Many Requests", { status: 429, headers: { "Retry-After": "1" } }),
      );
    case "5xx":
      return answer(new Response("Service Unavailable", { status: 503 }));
    case "garbage":
      return answer(
        new Response('{"status": {"indic', { headers: { "Content-Type": "application/json" } }),
      );
    case "timeout":
      record(null);
      await sleep(TIMEOUT_FAULT_MS, undefined, { ref: false });
      return new Response("Gateway Timeout", { status: 504 });
    case "swallowed":
      await vendor.fetch(request);
      record(null);
      await sleep(TIMEOUT_FAULT_MS, undefined, { ref: false });
      return new Response("Gateway Timeout", { status: 504 });
    case "duplicate":
      await vendor.fetch(request);
      return answer(new Response("Bad Gateway", { status: 502 }));
  }
}

const redact = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      SECRET_HEADERS.has(name.toLowerCase()) ? "<redacted>" : value,
    ]),
  );
