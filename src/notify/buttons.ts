/** What whoever reads a message can do about it from there, as the incident stands when it is sent. Pure. */
import type { ActView, IncidentView, LeaseView } from "../incidents/view.ts";
import { sha256Hex } from "../shared/ids.ts";
import { isLive } from "./news.ts";

export const DEEDS = [
  "acknowledge",
  "take_lead",
  "approve",
  "decline",
  "revert",
  "resolve",
] as const;
export type Deed = (typeof DEEDS)[number];

/** The newest of those that wait, and of those in force; the API knows the others. */
const WAITING_MAX = 3;
const LIVE_MAX = 5;

export type Button = {
  readonly deed: Deed;
  /** Null where it is about the incident. */
  readonly mitigation: string | null;
  readonly label: string;
  /** What happens, for whoever must think twice; null where nothing can go wrong. */
  readonly warning: string | null;
};

export function buttonsOf(view: IncidentView): readonly Button[] {
  if (view.status === "resolved") return [];
  return [
    ...(view.acknowledgedBy === null ? [ACKNOWLEDGE] : []),
    ...(view.lead === null ? [TAKE_LEAD] : []),
    ...[...view.leases, ...view.acts].filter(isWaiting).slice(-WAITING_MAX).flatMap(answers),
    ...view.leases
      .filter((lease) => isLive(lease) && !lease.shadow)
      .slice(-LIVE_MAX)
      .map(revert),
    RESOLVE,
  ];
}

/** A lease waits as it is proposed and known whom it is about; an act only once it is known what it would do. */
export const isWaiting = (one: LeaseView | ActView): boolean =>
  one.status === ("share" in one ? "proposed" : "waiting") &&
  !one.shadow &&
  !("about" in one && one.about === "");

const ACKNOWLEDGE: Button = {
  deed: "acknowledge",
  mitigation: null,
  label: "Acknowledge",
  warning: null,
};
const TAKE_LEAD: Button = {
  deed: "take_lead",
  mitigation: null,
  label: "Take lead",
  warning: null,
};
const RESOLVE: Button = {
  deed: "resolve",
  mitigation: null,
  label: "Resolve",
  warning: "Whatever is in force is taken back, and the incident ends.",
};

/**
 * What needs several people is only declined from here: a button is one command for whoever presses it, and who somebody is in a chat is
 * not who they are with a token.
 */
function answers(one: LeaseView | ActView): readonly Button[] {
  const { id: mitigation, actuator } = one;
  const decline: Button = {
    deed: "decline",
    mitigation,
    label: `Decline ${actuator}`,
    warning: null,
  };
  if ("approvals" in one && one.approvals !== undefined) return [decline];
  const warning = "It is done at once, in production.";
  return [{ deed: "approve", mitigation, label: `Approve ${actuator}`, warning }, decline];
}

const revert = ({ id, actuator }: LeaseView): Button => ({
  deed: "revert",
  mitigation: id,
  label: `Revert ${actuator}`,
  warning: "It is taken back at once, whether the harm is over or not.",
});

/** A pressed button, as its message named it. */
export type Pressed = Pick<Button, "deed" | "mitigation"> & {
  readonly incidentId: string;
  /** Of the message that it was part of. */
  readonly deliveryId: string;
};

/** A button is for one use: whoever presses it again, or second, gives the same command again. */
export const commandIdOf = ({ deed, mitigation, incidentId, deliveryId }: Pressed): string =>
  `cmd_${sha256Hex(JSON.stringify([incidentId, deliveryId, deed, mitigation])).slice(0, 26)}`;

const PRESSED =
  /^(?<deed>[a-z_]+):(?<incidentId>inc_[0-9A-Z]{26}):(?<deliveryId>dlv_[0-9a-f]{26})(?::(?<mitigation>(?:lse|act)_[0-9a-f]{26}))?$/;

/** What a button says when it is pressed, in at most 100 characters: what Discord takes. */
export const writePressed = ({ deed, mitigation, incidentId, deliveryId }: Pressed): string =>
  [deed, incidentId, deliveryId, ...(mitigation === null ? [] : [mitigation])].join(":");

/** Null for anything that `writePressed` does not write. */
export function readPressed(text: string): Pressed | null {
  const found = PRESSED.exec(text)?.groups;
  const deed = DEEDS.find((known) => known === found?.["deed"]);
  if (found === undefined || deed === undefined) return null;
  const { incidentId = "", deliveryId = "", mitigation } = found;
  return { deed, incidentId, deliveryId, mitigation: mitigation ?? null };
}
