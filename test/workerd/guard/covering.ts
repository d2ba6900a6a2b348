/** A guard with the emergency cache in force, over a production that counts what it is asked. */
import { onTestFinished, vi } from "vitest";
import type { GuardDeps } from "../../../src/guard/guard.ts";
import type { PolicyEntry } from "../../../src/policy/policy.ts";
import { aSettings } from "../../support/policy.ts";
import { forAMinute, guarded } from "./guarded.ts";

export const caching = (changes: Partial<PolicyEntry> = {}) =>
  forAMinute({ id: "lse_cache", kind: "emergency-cache", ...changes });
const PUBLIC = {
  emergencyCache: {
    ...aSettings().emergencyCache,
    publicRoutes: ["/*"],
    harmlessCookies: ["theme"],
  },
};
type Answer = (request: Request, n: number) => Response | Promise<Response>;

/** A guard with the cache in force; production counts its answers. */
export function covering(
  answer: Answer = (_, n) => new Response(`answer ${n}`),
  entries: readonly PolicyEntry[] = [caching()],
  changes: Partial<GuardDeps> = {},
) {
  let asked = 0;
  const origin = async (request: Request) => {
    asked += 1;
    return answer(request, asked);
  };
  const guard = guarded(entries, { origin, ...changes }, PUBLIC);
  const text = async (path: string, init?: RequestInit) => {
    const response = await guard.ask(path, init);
    const body = await response.text();
    await guard.settled();
    return body;
  };
  return { ...guard, text, asked: () => asked };
}
/** Moves what the guard reads as now. */
export const at = (atMs: number) => vi.setSystemTime(atMs);
/** Stops the clock, and says when. */
export function onAClock(): number {
  const startMs = Date.now();
  vi.useFakeTimers({ now: startMs, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return startMs;
}
