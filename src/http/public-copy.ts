/**
 * What needs no token is answered from a copy: kept in the isolate and in the location's cache, renewed at most every
 * few seconds, so that no crowd of strangers ever reaches an object.
 */
import { z } from "zod";
import type { IncidentView } from "../incidents/view.ts";
import { instanceOf } from "../playbooks/site.ts";
import type { Policy } from "../policy/policy.ts";
import { windowsIn } from "../policy/windows.ts";
import { publish } from "../status-page/view.ts";
import type { HttpDeps } from "./deps.ts";

export const COPY_TTL_MS = 2_000;
/** A part that takes longer has not answered. */
const PART_DEADLINE_MS = 1_500;
const LOAD_DEADLINE_MS = 4_000;
const COLD_POLL_MS = 25;
const PAST_INCIDENTS_MAX = 50;

const seq = z.object({ epoch: z.int(), n: z.int() });

const publicCopy = z.object({
  takenAtMs: z.int(),
  /** Null: the monitor did not answer. */
  look: z
    .object({
      lastTickAtMs: z.int().nullable(),
      cadenceMs: z.int(),
      seesProduction: z.boolean(),
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
  /** Null: the desk did not answer. */
  incidents: z
    .array(
      z.object({
        id: z.string(),
        component: z.string(),
        message: z.string(),
        impact: z.enum(["minor", "major", "critical"]),
        status: z.enum(["investigating", "identified", "monitoring", "resolved"]),
        startedAtMs: z.int(),
        resolvedAtMs: z.int().nullable(),
      }),
    )
    .nullable(),
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
    copy = (await readShared(deps)) ?? (await loadAndShare(deps, copy));
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
        headers: { "cache-control": `max-age=${Math.ceil(COPY_TTL_MS / 1_000)}` },
      }),
    );
  } catch {
    // The cache saves work and nothing else; without it every isolate asks for itself.
  }
  return fresh;
}

async function askObjects(deps: CopyDeps, last: PublicCopy | null): Promise<PublicCopy> {
  const [status, policy, views] = await Promise.all([
    orNull(deps.monitor.status()),
    orNull(deps.policy.read(last?.policy?.seq ?? null)),
    orNull(publicViews(deps)),
  ]);
  const takenAtMs = deps.now();
  return {
    takenAtMs,
    look: status && {
      lastTickAtMs: status.lastTickAtMs,
      cadenceMs: status.cadenceMs,
      // A monitor that still runs the version before does not say.
      seesProduction: status.seesProduction === true,
    },
    policy: policy === null ? (last?.policy ?? null) : confirmed(policy, last, takenAtMs),
    windows: publicWindows(policy?.policy ?? null, last),
    incidents: views && views.flatMap((view) => publish(view) ?? []),
  };
}

/** Everything open, however old, and what was resolved lately; newest first. */
async function publicViews({ desk }: CopyDeps): Promise<readonly IncidentView[]> {
  const [open, past] = await Promise.all([
    desk.open(),
    desk.list({ status: "resolved", limit: PAST_INCIDENTS_MAX }),
  ]);
  const byId = new Map([...open, ...past.items].map((view) => [view.id, view]));
  return [...byId.values()].toSorted((a, b) => b.anchors.detectedAtMs - a.anchors.detectedAtMs);
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

/** What the part answered, or null when it failed or took too long. */
async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  const { promise: deadline, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), PART_DEADLINE_MS);
  // A part that fails is a part that did not answer: the page says "unknown".
  const settled = answer.catch(() => null);
  const first = await Promise.race([settled, deadline]);
  clearTimeout(timer);
  return first;
}

async function readShared(deps: CopyDeps): Promise<PublicCopy | null> {
  try {
    const cached = await deps.sharedCache.match(sharedKey(deps));
    const parsed = publicCopy.safeParse(await cached?.json());
    const isFresh = parsed.success && deps.now() - parsed.data.takenAtMs < COPY_TTL_MS;
    return isFresh ? parsed.data : null;
  } catch {
    // Unreadable or unreachable: the objects are asked instead.
    return null;
  }
}

const sharedKey = ({ bundle }: CopyDeps): string =>
  `https://firebreak.invalid/${instanceOf(bundle.site)}/public-copy/3`;
