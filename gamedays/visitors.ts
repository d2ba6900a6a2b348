/**
 * Ordinary visitors, at a fixed rate whatever the answers (open loop): they browse pages, read the API, sign in and buy. A slow
 * site does not slow them down, as it does not in life.
 */
import { z } from "zod";
import { outcomeOf, type Errand } from "./answer.ts";
import type { Visit } from "./measure.ts";
import type { Scenario } from "./scenario.ts";

/** Requests under way at once; past it a visit is `lost` without being sent. */
const UNDER_WAY_MAX = 500;
/** What one visitor does, over and over. */
const DAY: readonly Errand[] = ["sign-in", "browse", "read", "buy", "read", "browse", "read"];
const ADA = { email: "ada@example.com", password: "lovelace" };

export type Visitors = AsyncDisposable & {
  readonly visits: readonly Visit[];
  /** The visits sent in the last `spanMs` that have ended. */
  readonly lately: (spanMs: number) => readonly Visit[];
};

/** Starts them. Disposing sends no more and waits for what is under way. */
export function startVisitors(site: string, options: Scenario["visitors"]): Visitors {
  const visits: Visit[] = [];
  const underWay = new Set<Promise<void>>();
  const sessions = new Map<string, string>();
  const startedAtMs = Date.now();
  let sent = 0;

  async function send(number: number): Promise<void> {
    const index = number % options.count;
    const visitor = `198.51.100.${index + 1}`;
    const round = Math.floor(number / options.count);
    const planned = DAY[(round + index) % DAY.length] ?? "browse";
    // Nobody buys before having signed in.
    const errand = planned === "buy" && !sessions.has(visitor) ? "sign-in" : planned;
    const atMs = Date.now();
    const went = await go(site, errand, { visitor, sessions, timeoutMs: options.timeout });
    visits.push({ atMs, tookMs: Date.now() - atMs, visitor, errand, ...went });
  }

  const timer = setInterval(() => {
    const due = Math.floor(((Date.now() - startedAtMs) / 1_000) * options.requests_per_second);
    for (; sent < due; sent += 1) {
      if (underWay.size >= UNDER_WAY_MAX) {
        visits.push({
          atMs: Date.now(),
          tookMs: 0,
          visitor: "nobody",
          errand: "browse",
          outcome: "lost",
        });
        continue;
      }
      const visiting = send(sent).finally(() => underWay.delete(visiting));
      underWay.add(visiting);
    }
  }, 1_000 / options.requests_per_second);

  return {
    visits,
    lately: (spanMs) => visits.filter(({ atMs }) => atMs >= Date.now() - spanMs),
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}

type Trip = {
  readonly visitor: string;
  readonly sessions: Map<string, string>;
  readonly timeoutMs: number;
};

async function go(
  site: string,
  errand: Errand,
  trip: Trip,
): Promise<Pick<Visit, "outcome" | "purchase">> {
  try {
    const { path, init } = requestFor(errand, trip);
    const response = await fetch(`${site}${path}`, {
      ...init,
      redirect: "manual",
      signal: AbortSignal.timeout(trip.timeoutMs),
    });
    const body = await response.text();
    const cookie = response.headers.get("set-cookie")?.split(";")[0];
    if (errand === "sign-in" && cookie !== undefined) trip.sessions.set(trip.visitor, cookie);
    const header = (name: string) => response.headers.get(name);
    const outcome = outcomeOf(errand, { status: response.status, header, body });
    return errand === "buy" && (outcome === "served" || outcome === "failed")
      ? { outcome, purchase: { status: response.status, paymentId: paymentIdIn(body) } }
      : { outcome };
  } catch {
    return { outcome: "lost" }; // A closed connection or the visitor's patience: either way there was no answer.
  }
}

const named = z.object({ payment_id: z.string() });

function paymentIdIn(body: string): string | null {
  try {
    return named.safeParse(JSON.parse(body)).data?.payment_id ?? null;
  } catch {
    return null; // Production's error pages name none.
  }
}

function requestFor(
  errand: Errand,
  { visitor, sessions }: Trip,
): { readonly path: string; readonly init: RequestInit } {
  // Locally nothing stands before the guard that would set this header itself.
  const headers = { "CF-Connecting-IP": visitor, "User-Agent": "gameday-visitor" };
  const json = { ...headers, Accept: "application/json", "Content-Type": "application/json" };
  switch (errand) {
    case "browse":
      return { path: "/", init: { headers: { ...headers, Accept: "text/html,*/*;q=0.8" } } };
    case "read":
      return { path: "/pitches", init: { headers: { ...headers, Accept: "application/json" } } };
    case "sign-in":
      return {
        path: "/sign-in",
        init: { method: "POST", headers: json, body: JSON.stringify(ADA) },
      };
    case "buy": {
      const cookie = z.string().parse(sessions.get(visitor));
      const body = JSON.stringify({ pitch_id: "1" });
      return {
        path: "/checkout",
        init: { method: "POST", headers: { ...json, Cookie: cookie }, body },
      };
    }
  }
}
