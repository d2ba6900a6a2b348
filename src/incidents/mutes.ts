/**
 * What keeps an incident quiet: silences and windows that mean it, and its alerts when all of them are quiet. Only messages are; what
 * Firebreak does is not. Each ends by the clock, without anybody having to say so. Pure.
 */
import { silenceMeans, type MuteReason } from "../alerts/silences.ts";
import type { Labels } from "../alerts/matchers.ts";
import type { Severity } from "../playbooks/schema.ts";
import type { IncidentState } from "./state.ts";
import type { IncidentView } from "./view.ts";

/** The id of the mute that follows from an incident's alerts. */
export const ALERTS_MUTE = "alerts";
/** How long alerts keep an incident quiet when nobody can foretell when they stop to. */
export const UNTOLD_MS_MAX = 24 * 3_600_000;

export type IncidentMute = {
  /** A silence's, a window's, or `alerts`; the same id replaces what it said before. */
  readonly id: string;
  readonly because: MuteReason;
  /** Who wanted it, or what is the cause. */
  readonly by: string;
  readonly why: string;
  /** Which incidents it means; absent where that is known already. The severity may change. */
  readonly matchers?: readonly string[] | undefined;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
};

/** What an incident is matched by: `playbook`, `severity`, `component` of the status page, `scope`. */
export type Described = Pick<IncidentView, "playbook" | "severity" | "scope" | "statusPage"> & {
  readonly mutes?: readonly IncidentMute[];
};

const labelsOf = ({ playbook, severity, scope, statusPage }: Described): Labels => ({
  playbook,
  severity,
  component: statusPage?.component ?? "",
  scope,
});

const SEVERITIES: readonly Severity[] = ["SEV-1", "SEV-2", "SEV-3", "SEV-4"];

/** Does it mean this incident, or would it at another severity? */
export const couldMean = (silence: { readonly matchers: readonly string[] }, incident: Described) =>
  SEVERITIES.some((severity) => silenceMeans(silence, labelsOf({ ...incident, severity })));

/** What keeps the incident quiet at this moment, the one that ends last; null: nothing does. */
export function muteAt(incident: Described, atMs: number): IncidentMute | null {
  const labels = labelsOf(incident);
  return (incident.mutes ?? []).reduce<IncidentMute | null>((last, mute) => {
    if (atMs < mute.startsAtMs || atMs >= mute.endsAtMs) return last;
    const { matchers } = mute;
    if (matchers !== undefined && !silenceMeans({ matchers }, labels)) return last;
    return last === null || mute.endsAtMs > last.endsAtMs ? mute : last;
  }, null);
}

/** The first moment from `atMs` on at which nothing keeps it quiet. */
export function afterQuietMs(state: IncidentState, atMs: number): number {
  const incident = describedBy(state);
  let moment = atMs;
  for (let mute = muteAt(incident, moment); mute !== null; mute = muteAt(incident, moment)) {
    moment = mute.endsAtMs;
  }
  return moment;
}

export const describedBy = ({ opened, severity, mutes }: IncidentState): Described => ({
  playbook: opened?.playbook.id ?? "",
  severity,
  scope: opened?.scope ?? "",
  statusPage: opened?.playbook.spec.communicate.status_page ?? null,
  mutes,
});

/** When somebody has to be told that it is still open; null while nothing was kept from them. */
export const tellAgainAtMs = (state: IncidentState): number | null =>
  state.status === "resolved" || state.muted.lastAtMs === null
    ? null
    : afterQuietMs(state, state.muted.lastAtMs);
