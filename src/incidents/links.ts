/** What an incident belongs together with: other incidents, tickets, groups of alerts. Pure. */
import { err, ok, type Result } from "../shared/result.ts";
import type { CommandOf, Rejection } from "./command.ts";
import type { IncidentEvent } from "./journal.ts";
import type { IncidentState } from "./state.ts";

export const LINK_KINDS = ["incident", "ticket", "alerts"] as const;
export type LinkKind = (typeof LINK_KINDS)[number];
/** Of one incident. */
export const LINKS_MAX = 50;

export type Link = {
  readonly kind: LinkKind;
  /** An incident's id, a ticket's address, or the scope of a group of alerts; no two links have the same. */
  readonly target: string;
  /** What it is, in words. */
  readonly says: string;
};

/** What people linked, and the tickets that trackers made of it. */
export const linksOf = ({
  links,
  tickets,
}: Pick<IncidentState, "links" | "tickets">): readonly Link[] => [
  ...links,
  ...Object.entries(tickets)
    .filter(([, url]) => links.every(({ target }) => target !== url))
    .map(([channel, url]): Link => ({ kind: "ticket", target: url, says: channel })),
];

type Answer = Result<readonly IncidentEvent[], Rejection>;

/** Also of what is over: what belonged together is often found later. */
export function link(state: IncidentState, { data }: CommandOf<"link">): Answer {
  const { kind, target, says, why } = data;
  if (target === state.opened?.incidentId) {
    return err({ reason: "unknown_link", detail: "an incident is not linked to itself" });
  }
  if (state.links.some((known) => known.target === target)) return ok([]);
  if (state.links.length >= LINKS_MAX) {
    return err({ reason: "limit_reached", detail: `an incident has at most ${LINKS_MAX} links` });
  }
  return ok([{ type: "incident.linked", data: { kind, target, says, why } }]);
}

export function unlink(state: IncidentState, { data }: CommandOf<"unlink">): Answer {
  const { target, why } = data;
  return state.links.some((known) => known.target === target)
    ? ok([{ type: "incident.unlinked", data: { target, why } }])
    : err({ reason: "unknown_link", detail: `nobody linked it to ${target}` });
}
