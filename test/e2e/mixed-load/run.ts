/** The Workers as they are deployed, a driver that changes the policy, and an open loop of requests. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { buildWorker, runWorkers, type DeployedWorker } from "../../../dev/workers.ts";
import { ENTRIES, REQUESTS, STATES, type Kind } from "./plan.ts";

const PROJECT = fileURLToPath(new URL("../../..", import.meta.url));
const POLL_MS = 200;
const CHANGE_EVERY_MS = 1_000;
const SOCKETS_MAX = 64;
const REQUEST_MS_MAX = 10_000;
const TURN_MS = 10;
const COMPATIBILITY_DATE = "2026-10-01";
/** Any; it stays within the test's own Workers. */
const SIGNING_KEYS = JSON.stringify([{ kid: "load", secret: "0123456789abcdef0123456789abcdef" }]);

const ORIGIN = `export default {
  fetch: (request) => new Response(request.method === "HEAD" ? null : "production", {
    headers: { "cache-control": "public, max-age=60" },
  }),
};`;
/** Calls the policy object as the control plane does, and says what it answered. */
const DRIVER = `export default {
  async fetch(request, env) {
    const { method, args } = await request.json();
    return Response.json(await env.POLICY.getByName("policy")[method](...args) ?? null);
  },
};`;

export type Answered = {
  /** Its place in \`REQUESTS\`. */
  readonly request: number;
  /** Null when it got none. */
  readonly status: number | null;
  readonly policy: string | null;
  readonly atMs: number;
};
/** What one numbered policy held, and when the next one took its place. */
type InForce = { readonly kinds: readonly Kind[]; supersededAtMs: number };

export async function startMixedLoad() {
  await using starting = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "firebreak-load-"));
  starting.defer(() => rm(directory, { recursive: true, force: true }));
  const [guard, firebreak] = await Promise.all([
    buildWorker(join(PROJECT, "wrangler.guard.toml"), directory),
    buildWorker(join(PROJECT, "wrangler.toml"), directory),
  ]);
  const deploy = (worker: DeployedWorker["worker"], bindings = {}) => ({
    worker,
    bindings,
    port: 0,
  });
  const workers = starting.use(
    await runWorkers({
      deployed: [
        deploy(guard, { SIGNING_KEYS }),
        deploy(firebreak, { SIGNING_KEYS }),
        deploy(await scripted(directory, "storefront", ORIGIN)),
        deploy(await scripted(directory, "driver", DRIVER)),
      ],
      storage: join(directory, "objects"),
      onLog: () => {},
    }),
  );
  const taken = starting.move();
  const policies = new Policies(workers.url("driver"));
  return {
    async run(wanted: { readonly lastsMs: number; readonly perSecond: number }) {
      await policies.begin();
      const over = new AbortController();
      const [{ answered, lateMs }] = await Promise.all([
        ask(new URL(workers.url(guard.name)), wanted).finally(() => over.abort()),
        policies.change(over.signal),
      ]);
      return { answered, lateMs, policies: policies.byNumber };
    },
    [Symbol.asyncDispose]: () => taken.disposeAsync(),
  };
}

async function scripted(directory: string, name: string, contents: string) {
  const path = join(directory, `${name}.mjs`);
  await writeFile(path, contents);
  const POLICY = { className: "GuardPolicy", scriptName: "firebreak", useSQLite: true };
  return {
    name,
    options: {
      name,
      modules: [{ type: "ESModule" as const, path, contents }],
      modulesRoot: directory,
      compatibilityDate: COMPATIBILITY_DATE,
      ...(name === "driver" ? { durableObjects: { POLICY } } : {}),
    },
  };
}

const seq = z.object({ epoch: z.int(), n: z.int() });
const changed = z.object({ ok: z.literal(true), value: z.object({ seq }) });

/** The policy as it is changed, one entry at a time, and what each number of it means. */
class Policies {
  readonly byNumber = new Map<string, InForce>();
  readonly #driver: string;
  #inForce: { readonly kind: Kind; readonly id: string }[] = [];
  #made = 0;

  constructor(driver: string) {
    this.#driver = driver;
  }

  /** From here on every answer names its policy, and guards ask often. */
  async begin(): Promise<void> {
    await this.#call("setPollMs", [POLL_MS]);
    this.#note(await this.#call("nameUntil", [Date.now() + 3_600_000]));
  }

  async change(signal: AbortSignal): Promise<void> {
    for (let turn = 0; !signal.aborted; turn += 1) {
      await this.#become(STATES[turn % STATES.length] ?? []);
      await sleep(CHANGE_EVERY_MS, null, { signal }).catch(() => null);
    }
  }

  async #become(wanted: readonly Kind[]): Promise<void> {
    const kept = this.#inForce.filter(({ kind }) => wanted.includes(kind));
    const left = this.#inForce.filter((one) => !kept.includes(one));
    for (const kind of wanted) {
      if (!kept.some((one) => one.kind === kind)) await this.#put(kind);
    }
    for (const { id } of left) {
      const removed = await this.#call("remove", [id]);
      this.#inForce = this.#inForce.filter((one) => one.id !== id);
      this.#note(removed);
    }
  }

  /** An id is one lease's: what was taken back comes again under another. */
  async #put(kind: Kind): Promise<void> {
    this.#made += 1;
    const id = `lse_${this.#made}`;
    const entry = {
      mode: "enforce",
      ...ENTRIES[kind],
      id,
      owner: "load",
      reason: "load",
      fail: "open",
      share: 1,
      salt: id,
      expiresAtMs: Date.now() + 3_600_000,
    };
    const put = await this.#call("put", [entry]);
    this.#inForce = [...this.#inForce, { kind, id }];
    this.#note(put);
  }

  #note(answer: unknown): void {
    const { epoch, n } = changed.parse(answer).value.seq;
    const nowMs = Date.now();
    for (const before of this.byNumber.values()) {
      before.supersededAtMs = Math.min(before.supersededAtMs, nowMs);
    }
    const kinds = this.#inForce.map(({ kind }) => kind);
    this.byNumber.set(`${epoch}.${n}`, { kinds, supersededAtMs: Infinity });
  }

  async #call(method: string, args: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ method, args });
    const response = await fetch(this.#driver, { method: "POST", body });
    return response.json();
  }
}

/** An open loop: what is slow delays nothing that comes after it. */
async function ask(
  url: URL,
  { lastsMs, perSecond }: { readonly lastsMs: number; readonly perSecond: number },
): Promise<{ readonly answered: readonly Answered[]; readonly lateMs: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX });
  const pending: Promise<Answered>[] = [];
  const startedAtMs = Date.now();
  const total = Math.ceil((perSecond * lastsMs) / 1_000);
  let lateMs = 0;
  try {
    while (pending.length < total) {
      const elapsedMs = Date.now() - startedAtMs;
      const due = Math.min(total, Math.floor((perSecond * elapsedMs) / 1_000));
      lateMs = Math.max(lateMs, Math.round(((due - pending.length) / perSecond) * 1_000));
      while (pending.length < due) pending.push(send(url, agent, pending.length % REQUESTS.length));
      await sleep(TURN_MS);
    }
    return { answered: await Promise.all(pending), lateMs };
  } finally {
    agent.destroy();
  }
}

function send(url: URL, agent: Agent, request: number): Promise<Answered> {
  const { method, path, address, headers } = REQUESTS[request] ?? { headers: {} };
  const { promise, resolve } = Promise.withResolvers<Answered>();
  const answer = (status: number | null, policy: string | null) =>
    resolve({ request, status, policy, atMs: Date.now() });
  const sent = httpRequest(
    {
      agent,
      host: url.hostname,
      port: url.port,
      method,
      path,
      timeout: REQUEST_MS_MAX,
      headers: { ...headers, "cf-connecting-ip": address },
    },
    (response) => {
      const policy = response.headers["x-firebreak-policy"];
      response.resume();
      response.on("end", () =>
        answer(response.statusCode ?? null, typeof policy === "string" ? policy : null),
      );
    },
  );
  sent.on("timeout", () => sent.destroy());
  sent.on("error", () => answer(null, null));
  sent.end();
  return promise;
}
