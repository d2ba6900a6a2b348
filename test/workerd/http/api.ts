/** The HTTP surface over the Worker's real objects, with tokens that tests know. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { readConfig } from "../../../src/config.ts";
import type { Env } from "../../../src/env.ts";
import { createApp } from "../../../src/http/app.ts";
import type { HttpDeps } from "../../../src/http/deps.ts";
import { sha256Hex } from "../../../src/shared/ids.ts";
import { httpDeps } from "../../../src/wiring/http.ts";

export const ALERTMANAGER_TOKEN = "alertmanager-test-token";
export const HEARTBEAT_TOKEN = "heartbeat-test-token";
export const SIGNING_KEY = { kid: "k1", secret: "s".repeat(40) };
const ROLES = ["viewer", "responder", "admin"] as const;

export const testEnv: Env = {
  ...env,
  ALERTMANAGER_TOKEN,
  HEARTBEAT_TOKEN,
  SIGNING_KEYS: JSON.stringify([SIGNING_KEY]),
  API_TOKENS: JSON.stringify(
    ROLES.map((role) => ({ name: `${role}@test`, role, sha256: sha256Hex(`${role}-token`) })),
  ),
};

/** What the Worker hands to its HTTP surface. */
export const deps = httpDeps(testEnv, readConfig(testEnv));

type Wanted = {
  readonly method?: string;
  /** Null sends no token. */
  readonly as?: (typeof ROLES)[number] | null;
  /** Sent as JSON, unless it is text or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called with the answer before what it left to do is waited for. */
  readonly answered?: () => void;
};

/** A client of the surface; `given` replaces what the Worker would hand in. */
export function client(given: Partial<HttpDeps> = {}) {
  // Inherited, not copied: the real ones make a stub per use.
  const own: HttpDeps = Object.create(deps, {
    ...Object.getOwnPropertyDescriptors({ now: () => Date.now() }),
    ...Object.getOwnPropertyDescriptors(given),
  });
  const app = createApp(own);

  /** Asks, and lets what the answer left to do finish. */
  return async function ask(path: string, wanted: Wanted = {}): Promise<Response> {
    const ctx = createExecutionContext();
    const response = await app.fetch(requestOf(path, wanted), {}, ctx);
    wanted.answered?.();
    await waitOnExecutionContext(ctx);
    return response;
  };
}

function requestOf(path: string, wanted: Wanted): Request {
  const { method = wanted.body === undefined ? "GET" : "POST", as = "responder" } = wanted;
  const headers = new Headers(wanted.headers);
  if (as !== null) headers.set("authorization", `Bearer ${as}-token`);
  const isJson =
    wanted.body !== undefined &&
    typeof wanted.body !== "string" &&
    !(wanted.body instanceof Uint8Array);
  if (isJson) headers.set("content-type", "application/json");
  const body = isJson ? JSON.stringify(wanted.body) : wanted.body;
  return new Request(`https://shop.example/_firebreak${path}`, {
    method,
    headers,
    ...(typeof body === "string" || body instanceof Uint8Array ? { body } : {}),
  });
}

/** Declares a plain incident of its own, and answers its id. */
export async function declared(given: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const body = { title: "Checkout is slow", severity: "SEV-3", scope: aScope(), ...given };
  const response = await client()("/api/v1/incidents", { body });
  const { id } = await response.json<{ id: string }>();
  return id;
}

/** Opens a plain incident of its own in which a rule fires, and answers its id. */
export async function firing(): Promise<string> {
  const nowMs = Date.now();
  const { incidentId } = await deps.desk.trigger({
    id: deps.newId("trg"),
    playbook: null,
    scope: aScope(),
    title: "Checkout is slow",
    severity: "SEV-2",
    params: {},
    onsetAtMs: nowMs,
    atMs: nowMs,
    rules: { errors: { status: "firing", sinceMs: nowMs } },
    readings: [],
    actor: { kind: "monitor", id: "monitor" },
    drill: false,
  });
  await deps.incident(incidentId).follow(0, 5_000);
  return incidentId;
}

/** A scope that no other test uses. */
export const aScope = (): string => `test-${crypto.randomUUID().slice(0, 8)}`;

/** The real object, but for some of its methods: how tests cut it off, or count its calls. */
export const but = <Api extends object>(real: () => Api, replaced: Partial<Api>): Api =>
  new Proxy(real(), {
    get: (_, name) => {
      const method: unknown = Reflect.get(Object.hasOwn(replaced, name) ? replaced : real(), name);
      if (typeof method !== "function") throw new Error(`no method ${String(name)}`);
      return (...given: unknown[]): unknown => Reflect.apply(method, undefined, given);
    },
  });
