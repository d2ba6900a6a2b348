/** What requests pass on the way to production, one bare workerd each: nothing, the guard, or what others put there. */
import { z } from "zod";
import { setTimeout as sleep } from "node:timers/promises";
import { assert } from "../src/shared/assert.ts";
import { ENTRY, limitEntries, type Burden } from "./burden.ts";
import { networksOfOthers } from "./networks.ts";
import type { Binding, Extension, Service } from "./workerd/config.ts";
import { ask } from "./workerd/ask.ts";
import { startWorkerd, type Workerd } from "./workerd/process.ts";

export type Stand = { readonly name: string; readonly workerd: Workerd };

export type StandOptions = { readonly directory: string; readonly core: number | null };

/** Bundles that the stands below need, by name. */
export const STAND_WORKERS = {
  production: "bench/workers/production.ts",
  control: "bench/workers/control.ts",
  guard: "src/guard/worker.ts",
  "pass-through": "bench/workers/pass-through.ts",
  "ip-restriction": "bench/workers/ip-restriction.ts",
  "hono-rate-limiter": "bench/workers/hono-rate-limiter.ts",
  "upstash-ratelimit": "bench/workers/upstash-ratelimit.ts",
  "object-call": "bench/workers/object-call.ts",
  "ratelimit-binding": "bench/workers/ratelimit-binding.ts",
  "kv-read": "bench/workers/kv-read.ts",
  "kv-store": "bench/workers/kv-store.ts",
} as const;

const worker = (
  name: keyof typeof STAND_WORKERS,
  bindings: Readonly<Record<string, Binding>> = {},
  objects: readonly string[] = [],
): Service => ({ name, of: { kind: "worker", module: `${name}.js`, bindings, objects } });

const PRODUCTION = worker("production");
const ORIGIN: Binding = { service: "production" };

/** A Hono app in front of production, with what it is bound to. */
export async function startApp(
  app: Exclude<keyof typeof STAND_WORKERS, "production" | "control" | "guard" | "kv-store">,
  {
    name = app,
    bindings = {},
    objects = [],
    services = [],
    extensions = [],
  }: {
    readonly name?: string;
    readonly bindings?: Readonly<Record<string, Binding>>;
    readonly objects?: readonly string[];
    readonly services?: readonly Service[];
    readonly extensions?: readonly Extension[];
  },
  options: StandOptions,
): Promise<Stand> {
  const front = worker(app, { ORIGIN, ...bindings }, objects);
  const workerd = await startWorkerd({
    ...options,
    name: fileName(name),
    services: [PRODUCTION, front, ...services],
    sockets: [{ name: "http", service: app }],
    extensions,
  });
  return { name, workerd };
}

export const OBJECTS = { POLICY: "GuardPolicy", TRAFFIC: "Traffic", LIMITER: "Limiter" } as const;

const objectBindings: Readonly<Record<string, Binding>> = Object.fromEntries(
  Object.entries(OBJECTS).map(([name, object]) => [name, { object, of: "control" }]),
);

export const CONTROL = worker("control", objectBindings, Object.values(OBJECTS));

/** The guard as it is deployed alone, with the real objects in the same process: their work is counted as the guard's. */
export async function startGuard(
  name: string,
  burden: Burden,
  options: StandOptions,
): Promise<Stand> {
  const guard = worker("guard", { ORIGIN, CONTROL: { service: "control" }, ...objectBindings });
  const workerd = await startWorkerd({
    ...options,
    name: fileName(name),
    services: [PRODUCTION, CONTROL, guard],
    sockets: [
      { name: "http", service: "guard" },
      { name: "control", service: "control" },
    ],
  });
  await lay(workerd, burden);
  return { name, workerd };
}

const fileName = (name: string): string => name.replaceAll(/[^a-z0-9]+/gi, "-");

/** Calls a method of a control side's object. */
export async function callControl(
  port: number,
  path: `${keyof typeof OBJECTS}/${string}/${string}`,
  ...args: readonly unknown[]
): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}/${path}`, {
    method: "POST",
    body: JSON.stringify(args),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const accepted = z.object({ ok: z.literal(true) });

export async function putEntry(
  port: number,
  entry: Readonly<Record<string, unknown>>,
): Promise<void> {
  accepted.parse(await callControl(port, "POLICY/policy/put", { ...ENTRY, ...entry }));
}

/** Puts the burden on, and waits until it is enforced. */
async function lay(workerd: Workerd, burden: Burden): Promise<void> {
  const { networks, rules } = burden;
  const control = workerd.port("control");
  const texts = networksOfOthers(networks);
  const terms = {
    id: "bench",
    action: "block",
    mode: "enforce",
    owner: "bench",
    reason: "a bench",
  };
  accepted.parse(
    await callControl(
      control,
      "POLICY/policy/putList",
      { ...terms, expiresAtMs: ENTRY.expiresAtMs },
      partsOf(texts),
      { request: "bench", ifMatch: null },
    ),
  );
  for (const limit of limitEntries(burden)) await putEntry(control, limit);
  const blocked = texts[0]?.split("/")[0] ?? "";
  for (let tries = 0; (await statusFor(workerd, blocked)) !== 403; tries += 1) {
    assert(tries < LAY_TRIES_MAX, `the guard enforces ${networks} networks and ${rules} rules`);
    await sleep(LAY_PAUSE_MS);
  }
}

const LAY_TRIES_MAX = 100;
const LAY_PAUSE_MS = 200;

async function statusFor(workerd: Workerd, address: string): Promise<number> {
  const { status } = await ask(`http://127.0.0.1:${workerd.port("http")}/`, address);
  return status;
}

const LINES_PER_PART = 20_000;

const partsOf = (lines: readonly string[]): readonly string[] =>
  Array.from({ length: Math.ceil(lines.length / LINES_PER_PART) }, (_, part) =>
    lines
      .slice(part * LINES_PER_PART, (part + 1) * LINES_PER_PART)
      .map((line) => `${line}\n`)
      .join(""),
  );
