/** The big red button. It must work while parts of Firebreak do not, so what no incident answers for is removed directly. */
import type { Actor } from "../incidents/journal.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { LeaseStatus } from "../mitigations/lease.ts";
import { startOf } from "../policy/kinds.ts";
import type { PolicyEntry } from "../policy/policy.ts";
import { WINDOW_PREFIX } from "../policy/windows.ts";
import type { HttpDeps } from "./deps.ts";
import { say } from "../shared/log.ts";

export type Release = {
  readonly incident: string;
  readonly ok: boolean;
  readonly events: readonly string[];
  readonly detail: string | null;
};

type Asked = { readonly id: string; readonly actor: Actor; readonly why: string };

/** What an incident no longer looks after; should its entry still stand, nobody else will take it away. */
const ENDED: ReadonlySet<LeaseStatus> = new Set(["reverted", "declined", "expired", "failed"]);

/** Tells every open incident to take its mitigations back, then clears what is left of the policy. */
export async function releaseAll(
  deps: HttpDeps,
  asked: Asked,
): Promise<{ readonly items: readonly Release[]; readonly removedEntries: readonly string[] }> {
  // Without the desk nobody knows the incidents; the policy can still be cleared.
  const views = await deps.desk.open().catch((): readonly IncidentView[] => []);
  const items = await Promise.all(views.map((view) => release(deps, view.id, asked)));
  const answered = new Set(items.flatMap((item) => (item.ok ? [item.incident] : [])));
  const revertedByThem = new Set(
    views
      .filter((view) => answered.has(view.id))
      .flatMap((view) => view.leases)
      .filter((lease) => !ENDED.has(lease.status))
      .map((lease) => lease.id),
  );
  const entries = await deps.policy.entries();
  const orphans = entries.filter((entry) => isMitigation(entry) && !revertedByThem.has(entry.id));
  const removals = await Promise.all(orphans.map((entry) => deps.policy.remove(entry.id)));
  const removedEntries = orphans.flatMap((entry, n) => (removals[n]?.ok === true ? entry.id : []));
  // What a window kept quiet is heard again; should the desk not hear of it, at the end that was declared.
  const ended = removedEntries.filter((id) => id.startsWith(WINDOW_PREFIX));
  await Promise.allSettled(
    ended.map((id) => deps.desk.expireSilence(id, asked.actor.id, deps.now())),
  );
  return { items, removedEntries };
}

/** What was planned for later stays planned; and what waits in a write journal still waits, in order. */
const isMitigation = ({ kind, match }: PolicyEntry): boolean =>
  kind !== "write-journal" && startOf(match) === null;

async function release(deps: HttpDeps, incident: string, asked: Asked): Promise<Release> {
  try {
    const answer = await deps.incident(incident).handle({
      id: asked.id,
      type: "release_all",
      atMs: deps.now(),
      actor: asked.actor,
      data: { why: asked.why },
    });
    return answer.ok
      ? { incident, ok: true, events: answer.events, detail: null }
      : { incident, ok: false, events: [], detail: answer.rejection.detail };
  } catch (fault) {
    const said = fault instanceof Error ? fault.message : "an unknown fault";
    say("error", { part: "http", incident, detail: `release-all did not reach it: ${said}` });
    return { incident, ok: false, events: [], detail: "the incident did not answer" };
  }
}
