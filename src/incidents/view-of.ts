/** Folds an incident's state into the view that people and programs read. */
import type { ActState, IncidentState, LeaseState } from "./state.ts";
import { linksOf } from "./links.ts";
import type { ChecklistItem } from "../playbooks/schema.ts";
import type { ActView, IncidentView, ItemView, LeaseView } from "./view.ts";

/** Null before the opening event. */
export function viewOf(
  state: IncidentState,
  nextWakeAtMs: number | null,
  updateDueAtMs: number | null = null,
): IncidentView | null {
  const { opened } = state;
  if (opened === null) return null;
  const links = linksOf(state);
  return {
    id: opened.incidentId,
    instance: opened.instance,
    playbook: opened.playbook.id,
    scope: opened.scope,
    title: opened.title,
    severity: state.severity,
    status: state.status,
    lead: state.lead,
    acknowledgedBy: state.acknowledgedBy,
    drill: opened.drill,
    firingRules: Object.entries(state.rules)
      .filter(([, rule]) => rule.status === "firing" || rule.status === "clearing")
      .map(([id]) => id),
    leases: state.leases.map(leaseView),
    acts: state.acts.map(actView),
    anchors: state.anchors,
    postmortem: state.postmortem,
    ...(state.actions.length === 0 ? {} : { actions: state.actions }),
    nextWakeAtMs,
    ...(updateDueAtMs === null ? {} : { updateDueAtMs }),
    reachedAtMs: state.reachedAtMs,
    seq: state.seq,
    statusPage: opened.playbook.spec.communicate.status_page ?? null,
    updates: state.updates,
    mutes: state.mutes,
    mutedMessages: state.muted.deliveries.size,
    ...(links.length === 0 ? {} : { links }),
    ...(state.harm.requests === null && state.harm.visitors === null ? {} : { harm: state.harm }),
    ...(state.stake === null ? {} : { stake: state.stake }),
    checklist: checklistView(state),
  };
}

/** Of the playbook that it was opened with, as its journal has it. */
export const checklistView = ({ opened, checklist }: IncidentState): readonly ItemView[] =>
  (opened?.playbook.spec.checklist ?? []).map((item, index) => {
    const last = checklist[index];
    return {
      item: index,
      text: typeof item === "string" ? item : item.item,
      seenBy: seenBy(item),
      isTicked: last?.isTicked ?? false,
      word: last === undefined ? null : { by: last.by, atMs: last.atMs, why: last.why },
    };
  });

function seenBy(item: ChecklistItem): ItemView["seenBy"] {
  if (typeof item === "string") return "people";
  if ("collected" in item) return "evidence";
  if ("recorded" in item) return "record";
  return "effective" in item ? "step" : "signals";
}

const leaseView = (lease: LeaseState): LeaseView => ({
  id: lease.id,
  step: lease.step,
  actuator: lease.actuator,
  status: lease.status,
  mode: lease.mode,
  shadow: lease.shadow,
  siteWide: lease.siteWide,
  share: lease.share,
  expiresAtMs: lease.expiresAtMs,
  why: lease.why,
  ...(lease.enforcementLagMs === null ? {} : { enforcementLagMs: lease.enforcementLagMs }),
  ...(lease.select === null ? {} : { about: lease.selection.says }),
  ...(lease.beside ? { beside: true } : {}),
});

const actView = (act: ActState): ActView => ({
  id: act.id,
  step: act.step,
  actuator: act.actuator,
  status: act.status,
  mode: act.mode,
  shadow: act.shadow,
  siteWide: act.siteWide,
  ...(act.beside ? { beside: true } : {}),
  ...(act.approvals > 1 ? { approvals: { needed: act.approvals, by: act.approvedBy } } : {}),
  says: act.says,
  performedAtMs: act.performedAtMs,
  why: act.why,
});
