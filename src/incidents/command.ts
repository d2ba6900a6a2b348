/** What may be asked of an incident. Time and ids arrive inside the command; the same id gets the same answer. */
import type { PagerAnswer } from "../alerts/pager-answers.ts";
import type { SignalSet } from "../signals/signal.ts";
import type { Params } from "../playbooks/params.ts";
import type { Severity } from "../playbooks/schema.ts";
import type { BundledPlaybook } from "../playbooks/bundled.ts";
import type { RuleState } from "../detection/rule-state.ts";
import type { Actor, Failure, Reading } from "./journal.ts";
import type { Link } from "./links.ts";
import type { IncidentMute } from "./mutes.ts";
import type { PublicStatus } from "./public.ts";
import type { ActId, IncidentId, LeaseId } from "../shared/ids.ts";

export type Autopilot = "on" | "shadow" | "off";

/** A lease, or an act: one command serves both. */
export type MitigationId = LeaseId | ActId;

type CommandData = {
  readonly open: {
    readonly incidentId: IncidentId;
    readonly instance: string;
    readonly scope: string;
    readonly title: string;
    readonly playbook: BundledPlaybook;
    readonly params: Params;
    readonly severity: Severity;
    readonly onsetAtMs: number;
    readonly rules: Readonly<Record<string, RuleState>>;
    readonly readings: readonly Reading[];
    readonly drill: boolean;
    /** What may keep it quiet. */
    readonly mutes?: readonly IncidentMute[];
  };
  /** The signals of one tick. */
  readonly observe: { readonly signals: SignalSet; readonly autopilot: Autopilot };
  /** An alarm: act on what is due, and on nothing else. */
  readonly wake: Record<string, never>;
  /** What may keep it quiet from now on, or no longer does. */
  readonly mute: { readonly mutes: readonly IncidentMute[] };
  readonly acknowledge: Record<string, never>;
  /** Somebody answered a pager; `saidAtMs` by the pager's clock. */
  readonly answer_pager: Pick<PagerAnswer, "pager" | "deed" | "saidAtMs">;
  readonly take_lead: { readonly lead: string };
  /** From whoever leads; `note` is what the next must know. */
  readonly hand_over: { readonly to: string; readonly note: string };
  readonly link: Link & { readonly why: string };
  readonly unlink: { readonly target: string; readonly why: string };
  /** `alerts`: it is that so many more joined its group, which is news. */
  readonly note: { readonly text: string; readonly alerts?: number };
  readonly set_severity: { readonly severity: Severity; readonly why: string };
  readonly escalate: { readonly why: string };
  /** `name` and `how` are what the contact sheet says. */
  readonly ask_support: {
    readonly supplier: string;
    readonly name: string;
    readonly how: string;
    readonly why: string;
  };
  readonly note_support: { readonly supplier: string; readonly text: string };
  /** While a rule still fires, `why` is required. */
  readonly resolve: { readonly why: string };
  /** `rules` as whoever saw the harm again left them; without them, they begin anew. */
  readonly reopen: {
    readonly why: string;
    readonly rules?: Readonly<Record<string, RuleState>> | undefined;
  };
  readonly apply: {
    readonly actuator: string;
    readonly with: Readonly<Record<string, unknown>>;
    /** Null for an act, which is done once. */
    readonly leaseMs: number | null;
    readonly why: string;
  };
  readonly approve: { readonly leaseId: MitigationId; readonly why: string };
  readonly decline: { readonly leaseId: MitigationId; readonly why: string };
  readonly revert: { readonly leaseId: MitigationId; readonly why: string };
  readonly extend: { readonly leaseId: MitigationId; readonly byMs: number; readonly why: string };
  /** What visitors read from now on. */
  readonly reword: {
    readonly leaseId: MitigationId;
    readonly message: string;
    readonly why: string;
  };
  readonly release_all: { readonly why: string };
  /** What became of an effect. `decide` refuses a stale one. */
  readonly report_effect: { readonly effectId: string; readonly outcome: EffectOutcome };
  /** An update for the public. */
  readonly publish: {
    readonly message: string;
    readonly status: Exclude<PublicStatus, "resolved"> | null;
    readonly component: string | null;
  };
  readonly save_postmortem: { readonly markdown: string };
  /** On a SEV-1 or SEV-2, `why` is required while anything is open on the checklist, or agreed on without an owner or a date. */
  readonly complete_postmortem: { readonly why?: string | undefined };
  readonly tick: { readonly item: number; readonly why: string };
  readonly untick: { readonly item: number; readonly why: string };
};

export type EffectOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly failure: Failure };

export type CommandType = keyof CommandData;
export type CommandOf<Type extends CommandType> = {
  readonly id: string;
  readonly type: Type;
  readonly atMs: number;
  readonly actor: Actor;
  readonly data: CommandData[Type];
  /** A refusal of it is not its last word: what gave the same id may do so again. Done, it is done once all the same. */
  readonly mayAskAgain?: boolean;
};
export type IncidentCommand = { readonly [Type in CommandType]: CommandOf<Type> }[CommandType];

/** Why a command was refused, in a form people can read and programs can switch on. */
export type Rejection = {
  readonly reason:
    | "not_open"
    | "not_public"
    | "already_open"
    | "unknown_lease"
    | "unknown_actuator"
    | "bad_options"
    | "lease_ended"
    | "lease_not_waiting"
    | "not_asked"
    | "not_led"
    | "unknown_link"
    | "not_reversible"
    | "same_person"
    | "stale_effect"
    | "reason_required"
    | "unknown_item"
    | "already_ticked"
    | "not_ticked"
    | "already_acknowledged"
    | "still_open"
    | "limit_reached";
  readonly detail: string;
};

/** What a command answered: how far the journal is, or why it was refused. */
export type CommandAnswer =
  | { readonly ok: true; readonly seq: number; readonly events: readonly string[] }
  | { readonly ok: false; readonly rejection: Rejection };
