/**
 * What needs no token is answered from a copy: kept in the isolate and in the location's cache, renewed at most every
 * few seconds, so that no crowd of strangers ever reaches an object.
 */
import { z } from "zod";
import { ENDED_MAX } from "../incidents/desk-api.ts";
import { PUBLIC_STATUSES } from "../incidents/public.ts";
import { instanceOf } from "../playbooks/site.ts";
import type { Policy } from "../policy/policy.ts";
import { windowsIn } from "../policy/windows.ts";
import { publicWordsOf } from "../status-page/words.ts";
import { publish } from "../status-page/view.ts";
import type { HttpDeps } from "./deps.ts";
import { orNull } from "./or-null.ts";

export const COPY_TTL_MS = 2_000;
const LOAD_DEADLINE_MS = 4_000;
const COLD_POLL_MS = 25;
/** How far back the page tells of incidents. */
export const PAST_MS = 90 * 24 * 3_600_000;
/** What is kept for a colder isolate to say while nobody answers; it is never taken for news. */
const LAST_WORDS_SECONDS = 24 * 3_600;

const publicStatus = z.enum(PUBLIC_STATUSES);

const seq = z.object({ epoch: z.int(), n: z.int() });

const publicCopy = z.object({
  takenAtMs: z.int(),
  /** Null: the monitor did not answer. */
  look: z
    .object({
      lastTickAtMs: z.int().nullable(),
      cadenceMs: z.int(),
      seesProduction: z.boolean(),
      probesFail: z.boolean(),
    })
    .nullable(),
  /** As last confirmed; null before the policy object ever answered. */
  policy: z.object({ seq, confirmedAtMs: z.int(), staleAfterMs: z.int() }).nullable(),
  /** Planned ones, as of that policy. */
  windows: z.array(
    z.object({
      id: z.string(),
      kind: z.enum(["maintenance", "read-only"]),
      message: z.string().nullable(),
      startsAtMs: z.int(),
      endsAtMs: z.int(),
    }),
  ),
  /** As last listed, newest first; null before the desk ever answered. */
  incidents: z
    .array(
      z.object({
        id: z.string(),
        component: z.string(),
        impact: z.enum(["minor", "major", "critical"]),
        status: publicStatus,
        startedAtMs: z.int(),
        resolvedAtMs: z.int().nullable(),
        updates: z
          .array(
            z.object({ id: z.string(), atMs: z.int(), status: publicStatus, message: z.string() }),
          )
          .readonly(),
      }),
    )
    .nullable(),
  /** The desk has just answered. */
  isListed: z.boolean(),
  /** Since when no incident that is over is missing from the list. */
  pastSinceMs: z.int().nullable(),
});
export type PublicCopy = z.infer<typeof publicCopy>;

/** Reads the copy; null only while a cold isolate's first load has not succeeded. */
export type ReadPublicCopy = (
  waitUntil: (promise: Promise<unknown>) => void,
) => Promise<PublicCopy | null>;

type CopyDeps = Pick<HttpDeps, "bundle" | "desk" | "monitor" | "policy" | "sharedCache" | "now">;

/** One per isolate. */
export function keepPublicCopy(deps: CopyDeps): ReadPublicCopy {
  let copy: PublicCopy | null = null;
  let loadingUntilMs = 0;

  const load = async (): Promise<void> => {
    const shared = await readShared(deps);
    const isNews = shared !== null && deps.now() - shared.takenAtMs < COPY_TTL_MS;
    copy = isNews ? shared : await loadAndShare(deps, copy ?? shared);
    loadingUntilMs = 0;
  };

  return async function readPublicCopy(waitUntil) {
    const nowMs = deps.now();
    if (copy !== null && nowMs - copy.takenAtMs < COPY_TTL_MS) return copy;
    // A deadline, not a shared promise: the runtime may cancel the request that loads.
    if (nowMs < loadingUntilMs) return copy ?? (await waitForFirst(() => copy));
    loadingUntilMs = nowMs + LOAD_DEADLINE_MS;
    const loading = load();
    waitUntil(loading);
    await loading;
    return copy;
  };
}

/** For requests that arrive while a cold isolate's first load is under way. */
async function waitForFirst(read: () => PublicCopy | null): Promise<PublicCopy | null> {
  for (let waitedMs = 0; waitedMs < LOAD_DEADLINE_MS; waitedMs += COLD_POLL_MS) {
    const copy = read();
    if (copy !== null) return copy;
    await new Promise((resolve) => setTimeout(resolve, COLD_POLL_MS));
  }
  return null;
}

async function loadAndShare(deps: CopyDeps, last: PublicCopy | null): Promise<PublicCopy> {
  const fresh = await askObjects(deps, last);
  try {
    await deps.sharedCache.put(
      sharedKey(deps),
      Response.json(fresh, {
        headers: { "cache-control": `max-age=${LAST_WORDS_SECONDS}` },
      }),
    );
  } catch {
    // The cache saves work and nothing else; without it every isolate asks for itself.
  }
  return fresh;
}

async function askObjects(deps: CopyDeps, last: PublicCopy | null): Promise<PublicCopy> {
  const [status, policy, listed] = await Promise.all([
    orNull(deps.monitor.status()),
    orNull(deps.policy.read(last?.policy?.seq ?? null)),
    orNull(list(deps)),
  ]);
  const takenAtMs = deps.now();
  return {
    takenAtMs,
    look: status && {
      lastTickAtMs: status.lastTickAtMs,
      cadenceMs: status.cadenceMs,
      // A monitor that still runs the version before does not say.
      seesProduction: status.seesProduction === true,
      probesFail: status.probesFail === true,
    },
    policy: policy === null ? (last?.policy ?? null) : confirmed(policy, last, takenAtMs),
    windows: publicWindows(policy?.policy ?? null, last),
    ...(listed ?? remembered(last)),
  };
}

type Listed = Pick<PublicCopy, "incidents" | "isListed" | "pastSinceMs">;

const remembered = (last: PublicCopy | null): Listed => ({
  incidents: last?.incidents ?? null,
  isListed: false,
  pastSinceMs: last?.pastSinceMs ?? null,
});

/** Everything open, however old, and what ended in the last 90 days; newest first. */
async function list(deps: CopyDeps): Promise<Listed> {
  const [open, past] = await Promise.all([deps.desk.open(), pastViews(deps)]);
  const byId = new Map([...open, ...past.views].map((view) => [view.id, view]));
  const wordsOf = publicWordsOf(deps.bundle.site);
  const newestFirst = [...byId.values()].toSorted(
    (a, b) => b.anchors.detectedAtMs - a.anchors.detectedAtMs,
  );
  return {
    incidents: newestFirst.flatMap((view) => publish(view, wordsOf) ?? []),
    isListed: true,
    pastSinceMs: past.sinceMs,
  };
}

/** By when they ended: one that lasted for months is not over the day it ends. */
async function pastViews({ desk, now }: CopyDeps) {
  const sinceMs = now() - PAST_MS;
  const views = await desk.ended(sinceMs);
  // There may be more: the page says since when it lacks none.
  const isFull = views.length >= ENDED_MAX;
  return { views, sinceMs: isFull ? (views.at(-1)?.anchors.resolvedAtMs ?? sinceMs) : sinceMs };
}

/** Without the operator's reason. */
function publicWindows(news: Policy | null, last: PublicCopy | null): PublicCopy["windows"] {
  if (news === null) return last?.windows ?? [];
  return windowsIn(news.entries).map(({ id, kind, message, startsAtMs, endsAtMs }) => ({
    id,
    kind,
    message,
    startsAtMs,
    endsAtMs,
  }));
}

/** The policy object sends the policy, and with it the limit, only when it is news. */
function confirmed(
  { seq, policy }: Awaited<ReturnType<CopyDeps["policy"]["read"]>>,
  last: PublicCopy | null,
  confirmedAtMs: number,
): PublicCopy["policy"] {
  const staleAfterMs = policy?.staleAfterMs ?? last?.policy?.staleAfterMs;
  return staleAfterMs === undefined ? null : { seq, confirmedAtMs, staleAfterMs };
}

async function readShared(deps: CopyDeps): Promise<PublicCopy | null> {
  try {
    const cached = await deps.sharedCache.match(sharedKey(deps));
    const parsed = publicCopy.safeParse(await cached?.json());
    return parsed.success ? parsed.data : null;
  } catch {
    // Unreadable or unreachable: the objects are asked instead.
    return null;
  }
}

const sharedKey = ({ bundle }: CopyDeps): string =>
  `https://firebreak.invalid/${instanceOf(bundle.site)}/public-copy/4`;
