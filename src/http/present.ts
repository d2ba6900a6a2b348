/** Domain views as the API shows them. */
import type { z } from "@hono/zod-openapi";
import type { JournalRow } from "../incidents/journal.ts";
import type { ActView, IncidentView, LeaseView } from "../incidents/view.ts";
import type * as schemas from "./schemas.ts";
import { iso, isoOrNull, withIsoTimes } from "./times.ts";

export function presentIncident(view: IncidentView): z.infer<typeof schemas.incident> {
  const { anchors } = view;
  return {
    id: view.id,
    instance: view.instance,
    playbook: view.playbook,
    scope: view.scope,
    title: view.title,
    severity: view.severity,
    status: view.status,
    lead: view.lead,
    acknowledgedBy: view.acknowledgedBy,
    drill: view.drill,
    firingRules: [...view.firingRules],
    mitigations: presentMitigations(view),
    times: {
      onsetAt: iso(anchors.onsetAtMs),
      detectedAt: iso(anchors.detectedAtMs),
      respondedAt: isoOrNull(anchors.respondedAtMs),
      acknowledgedAt: isoOrNull(anchors.acknowledgedAtMs),
      mitigatedAt: isoOrNull(anchors.mitigatedAtMs),
      enforcedAt: isoOrNull(anchors.enforcedAtMs),
      recoveredAt: isoOrNull(anchors.recoveredAtMs),
      releasedAt: isoOrNull(anchors.releasedAtMs),
      resolvedAt: isoOrNull(anchors.resolvedAtMs),
    },
    postmortem: view.postmortem,
    nextWakeAt: isoOrNull(view.nextWakeAtMs),
    reachedAt: isoOrNull(view.reachedAtMs ?? null),
    seq: view.seq,
    statusPage: view.statusPage && { ...view.statusPage },
    mutes: (view.mutes ?? []).map(({ startsAtMs, endsAtMs, matchers, ...mute }) => ({
      ...mute,
      matchers: matchers === undefined ? null : [...matchers],
      startsAt: iso(startsAtMs),
      endsAt: iso(endsAtMs),
    })),
    mutedMessages: view.mutedMessages ?? 0,
    links: (view.links ?? []).map((one) => ({ ...one })),
    checklist: (view.checklist ?? []).map(({ item, text, seenBy, isTicked, word }) => ({
      item,
      text,
      seenBy,
      ticked: isTicked,
      by: word?.by ?? null,
      at: isoOrNull(word?.atMs ?? null),
      why: word?.why ?? null,
    })),
  };
}

/** Leases first, then acts, each in the order they were proposed. */
export const presentMitigations = (view: IncidentView): z.infer<typeof schemas.mitigation>[] => [
  ...view.leases.map((lease) => presentLease(view.id, lease)),
  ...view.acts.map((act) => presentAct(view.id, act)),
];

const presentAct = (incidentId: string, act: ActView): z.infer<typeof schemas.mitigation> => ({
  id: act.id,
  incident: incidentId,
  step: act.step,
  actuator: act.actuator,
  kind: "act",
  status: act.status,
  mode: act.mode,
  shadow: act.shadow,
  share: 1,
  expiresAt: null,
  says: act.says === "" ? null : act.says,
  approvals: act.approvals === undefined ? null : { ...act.approvals, by: [...act.approvals.by] },
  enforcementLagMs: null,
  why: act.why,
});

const presentLease = (
  incidentId: string,
  lease: LeaseView,
): z.infer<typeof schemas.mitigation> => ({
  id: lease.id,
  incident: incidentId,
  step: lease.step,
  actuator: lease.actuator,
  kind: "lease",
  status: lease.status,
  mode: lease.mode,
  shadow: lease.shadow,
  share: lease.share,
  expiresAt: isoOrNull(lease.expiresAtMs),
  says: lease.about === undefined || lease.about === "" ? null : lease.about,
  approvals: null,
  enforcementLagMs: lease.enforcementLagMs ?? null,
  why: lease.why,
});

export const presentRow = (row: JournalRow): z.infer<typeof schemas.journalRow> => ({
  seq: row.seq,
  type: row.type,
  v: row.v,
  at: iso(row.atMs),
  actor: { kind: row.actor.kind, id: row.actor.id },
  cause: row.cause,
  data: withIsoTimes(row.data),
});
