import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { within } from "../deadline.ts";

/** What readiness found, part by part; ready means that every part is. */
export type Readiness = Readonly<Record<string, boolean>>;

export type HealthOptions = {
  /** Liveness is answered here, readiness below it at `/ready`. */
  readonly path?: string;
  /** Asks the parts; without it, ready means alive. Asked at most once per `keepMs`, so that strangers cannot wear it out. */
  readonly ready?: (c: Context) => Promise<Readiness>;
  readonly keepMs?: number;
  readonly deadlineMs?: number;
};

/**
 * Liveness (`200 {"status":"ok"}`) and readiness (200 or 503, with the parts). Readiness comes from a kept copy; while one
 * request renews it the others read the old one. Throws at construction on options that are wrong.
 */
export const health = (options: HealthOptions = {}) => {
  const {
    path = "/health",
    ready = async () => ({}),
    keepMs = 5_000,
    deadlineMs = 2_000,
  } = options;
  if (!path.startsWith("/")) throw new Error(`health: path "${path}" does not start with /`);
  if (keepMs < 0 || deadlineMs <= 0) throw new Error("health: keepMs or deadlineMs is negative");
  let kept: Readiness | null = null;
  let renewAtMs = 0;

  return createMiddleware(async function health(c, next) {
    if (c.req.method !== "GET" && c.req.method !== "HEAD") return next();
    if (c.req.path === path) return c.json({ status: "ok" }, 200, NO_STORE);
    if (c.req.path !== `${path}/ready`) return next();
    const nowMs = Date.now();
    if (kept === null || nowMs >= renewAtMs) {
      renewAtMs = nowMs + Math.max(keepMs, deadlineMs);
      // Promise.resolve() first: an asking that throws at once is as unready as one that rejects.
      const asked = Promise.resolve().then(() => ready(c));
      kept = await within(asked, deadlineMs, UNANSWERED).catch(() => UNANSWERED);
      renewAtMs = nowMs + keepMs;
    }
    const isReady = Object.values(kept).every((part) => part);
    const status = isReady ? "ready" : "not_ready";
    return c.json({ status, parts: kept }, isReady ? 200 : 503, NO_STORE);
  });
};

const UNANSWERED: Readiness = { answered: false };
const NO_STORE = { "cache-control": "no-store" };
