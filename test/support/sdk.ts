/** One isolate of production: what Firebreak asks of it, and what it left to `waitUntil`. */
import { compilePolicy } from "../../src/policy/compile.ts";
import type { Policy, PolicyEntry } from "../../src/policy/policy.ts";
import { Firebreak, type Connections, type Database, type Session } from "../../src/sdk/index.ts";
import { anEntry, aSettings } from "./policy.ts";

export type Isolate = {
  /** A database for one request; what is asked is known to it. */
  readonly request: (session?: Partial<Session>) => Promise<Database>;
  /** What Firebreak asks from the next poll on. */
  readonly ask: (entries: readonly PolicyEntry[]) => Promise<void>;
  /** Waits for what requests left behind. */
  readonly idle: () => Promise<void>;
};

/** What one entry asks, for an hour. */
export const anSdkEntry = (kind: string, action: PolicyEntry["action"]): PolicyEntry =>
  anEntry({ id: `lse_${kind}`, kind, match: {}, action, expiresAtMs: Date.now() + 3_600_000 });

/** `connections` stand for what production has; the policy is compiled as the policy object compiles it, and polled at once. */
export function anIsolate(connections: Connections): Isolate {
  let policy = compiled([], null);
  const left: Promise<unknown>[] = [];
  let firebreak = make();
  function make(): Firebreak {
    return new Firebreak({ policy: () => ({ read: async () => ({ seq: policy.seq, policy }) }) });
  }
  const waitUntil = (promise: Promise<unknown>): void => void left.push(promise);
  const idle = async () => {
    while (left.length > 0) await left.shift();
  };
  const database = (session: Partial<Session> = {}) =>
    firebreak.database(connections, {
      session: { key: "ada", wroteAtMs: null, ...session },
      waitUntil,
    });
  const warm = async () => {
    // The first request of an isolate only starts to read what is asked.
    database().pool({ max: 1, idleTimeoutMillis: 0, connectionTimeoutMillis: 0 });
    await idle();
  };
  return {
    idle,
    async request(session) {
      await warm();
      return database(session);
    },
    async ask(entries) {
      policy = compiled(entries, policy);
      firebreak = make();
      await warm();
    },
  };
}

function compiled(entries: readonly PolicyEntry[], before: Policy | null): Policy {
  const policy = compilePolicy({
    instance: "shop.test",
    previous: before?.seq ?? { epoch: 1, n: 0 },
    entries,
    settings: aSettings(),
    networks: null,
    nowMs: Date.now(),
  });
  if (!policy.ok) throw new Error(policy.error);
  return policy.value;
}
