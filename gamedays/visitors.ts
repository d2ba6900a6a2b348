/**
 * Ordinary visitors, at a fixed rate whatever the answers (open loop): they browse pages, read the API, sign in and buy. A slow
 * site does not slow them down, as it does not in life.
 */
import { z } from "zod";
import { parseJson } from "../src/shared/json.ts";
import { outcomeOf, type Errand, type Received } from "./answer.ts";
import { isChallenge, type Payer } from "./challenge.ts";
import type { Visit } from "./measure.ts";
import { startOpenLoop, steadily } from "./open-loop.ts";
import type { Scenario } from "./scenario.ts";

/** Requests under way at once; past it a visit is `lost` without being sent. */
const UNDER_WAY_MAX = 500;
/** What one visitor does, over and over. */
export const DAY: readonly Errand[] = [
  "sign-in",
  "browse",
  "read",
  "buy",
  "read",
  "browse",
  "read",
];
const ADA = { email: "ada@example.com", password: "lovelace" };

/** Who makes the n-th visit, by name and by what every request of theirs carries, and what for. */
export type Plan = (number: number) => {
  readonly visitor: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly errand: Errand;
};

export type Visitors = AsyncDisposable & {
  readonly visits: readonly Visit[];
  /** The visits sent in the last `spanMs` that have ended. */
  readonly lately: (spanMs: number) => readonly Visit[];
};

/** So many visitors, each with an address of their own. */
export const ordinary =
  (count: number): Plan =>
  (number) => {
    const index = number % count;
    const visitor = `198.51.100.${index + 1}`;
    return {
      visitor,
      // Locally nothing stands before the guard that would set this header itself.
      headers: { "CF-Connecting-IP": visitor, "User-Agent": "gameday-visitor" },
      errand: DAY[(Math.floor(number / count) + index) % DAY.length] ?? "browse",
    };
  };

/** Starts them. Disposing sends no more and waits for what is under way. With a payer they meet challenges, once each. */
export function startVisitors(
  site: string,
  options: Pick<Scenario["visitors"], "requests_per_second" | "timeout">,
  { plan, payer = null }: { readonly plan: Plan; readonly payer?: Payer | null },
): Visitors {
  const visits: Visit[] = [];
  const sessions = new Map<string, string>();
  const clearances = new Map<string, string>();

  async function send(number: number): Promise<void> {
    const { visitor, headers, errand: planned } = plan(number);
    // Nobody buys before having signed in.
    const errand = planned === "buy" && !sessions.has(visitor) ? "sign-in" : planned;
    const atMs = Date.now();
    const trip = { visitor, headers, sessions, clearances, payer, timeoutMs: options.timeout };
    const went = await go(site, errand, trip);
    visits.push({ atMs, tookMs: Date.now() - atMs, visitor, errand, ...went });
  }

  const loop = startOpenLoop({
    dueBy: steadily(options.requests_per_second),
    underWayMax: UNDER_WAY_MAX,
    send,
    dropped: () => {
      const nobody = { visitor: "nobody", errand: "browse", outcome: "lost" } as const;
      visits.push({ atMs: Date.now(), tookMs: 0, ...nobody });
    },
  });

  return {
    visits,
    lately: (spanMs) => visits.filter(({ atMs }) => atMs >= Date.now() - spanMs),
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

type Trip = {
  readonly visitor: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sessions: Map<string, string>;
  readonly clearances: Map<string, string>;
  readonly payer: Payer | null;
  readonly timeoutMs: number;
};

type Went = Pick<Visit, "outcome" | "purchase" | "wasChallenged">;

async function go(site: string, errand: Errand, trip: Trip): Promise<Went> {
  try {
    const asked = await ask(site, errand, trip);
    const { visitor, headers, payer, clearances } = trip;
    if (payer === null || !isChallenge(asked.body)) return wentOf(errand, asked);
    const cookie = await payer.pay(site, asked.body, headers);
    if (cookie !== null) clearances.set(visitor, cookie);
    return { ...wentOf(errand, await ask(site, errand, trip)), wasChallenged: true };
  } catch {
    return { outcome: "lost" }; // A closed connection or the visitor's patience: either way there was no answer.
  }
}

async function ask(site: string, errand: Errand, trip: Trip): Promise<Received> {
  const { path, init } = requestFor(errand, trip);
  const response = await fetch(`${site}${path}`, {
    ...init,
    redirect: "manual",
    signal: AbortSignal.timeout(trip.timeoutMs),
  });
  const body = await response.text();
  const cookie = response.headers.get("set-cookie")?.split(";")[0];
  if (errand === "sign-in" && cookie !== undefined) trip.sessions.set(trip.visitor, cookie);
  // Signed out: the next errand is to sign in again.
  if (errand === "buy" && response.status === 401) trip.sessions.delete(trip.visitor);
  return { status: response.status, header: (name) => response.headers.get(name), body };
}

function wentOf(errand: Errand, received: Received): Went {
  const outcome = outcomeOf(errand, received);
  const { status, body } = received;
  return errand === "buy" && (outcome === "served" || outcome === "failed")
    ? { outcome, purchase: { status, ...orderIn(body) } }
    : { outcome };
}

const named = z.object({ payment_id: z.string(), status: z.string() });

function orderIn(body: string): {
  readonly word: string | null;
  readonly paymentId: string | null;
} {
  const read = named.safeParse(parseJson(body));
  // Production's error pages name no order.
  return read.success
    ? { word: read.data.status, paymentId: read.data.payment_id }
    : { word: null, paymentId: null };
}

function requestFor(
  errand: Errand,
  { visitor, headers: own, sessions, clearances }: Trip,
): { readonly path: string; readonly init: RequestInit } {
  const clearance = clearances.get(visitor);
  const cookies = (...names: readonly (string | undefined)[]) => {
    const held = names.filter((name) => name !== undefined);
    return held.length === 0 ? {} : { Cookie: held.join("; ") };
  };
  const headers = { ...own, ...cookies(clearance) };
  const json = { ...headers, Accept: "application/json", "Content-Type": "application/json" };
  switch (errand) {
    case "browse":
      return { path: "/", init: { headers: { ...headers, Accept: "text/html,*/*;q=0.8" } } };
    case "read":
      return { path: "/pitches", init: { headers: { ...headers, Accept: "application/json" } } };
    case "look":
      return { path: "/pitches/1", init: { headers: { ...headers, Accept: "application/json" } } };
    case "sign-in":
      return {
        path: "/sign-in",
        init: { method: "POST", headers: json, body: JSON.stringify(ADA) },
      };
    case "buy": {
      const session = z.string().parse(sessions.get(visitor));
      const body = JSON.stringify({ pitch_id: "1" });
      return {
        path: "/checkout",
        init: { method: "POST", headers: { ...json, ...cookies(session, clearance) }, body },
      };
    }
  }
}
