/** What `Desk` answers over RPC: the index of incidents, the alert inbox, the action budget. All list reads come here. */
import type { Alert, AlertCounts } from "../alerts/alert.ts";
import type { Bundle } from "../alerts/bundled.ts";
import type { Deployment } from "../alerts/deployments.ts";
import type { InboxAlert } from "../alerts/inbox.ts";
import type { PagerAnswer } from "../alerts/pager-answers.ts";
import type { AskedSilence, Silence, SilenceRefusal } from "../alerts/silences.ts";
import type { Beat, Heard } from "../alerts/heartbeats.ts";
import type { Report, ReportCounts } from "../alerts/reports.ts";
import type { Acceptance } from "../integrity/accepted.ts";
import type { Params } from "../playbooks/params.ts";
import type { RuleState } from "../detection/rule-state.ts";
import type { Result } from "../shared/result.ts";
import type { Severity } from "../playbooks/schema.ts";
import type { Actor, Reading } from "./journal.ts";
import type { IncidentView } from "./view.ts";

export const LIST_PAGE_MAX = 100;
export const ENDED_MAX = 200;

/** What the monitor, a webhook or a person saw. One open incident per playbook and scope: more triggers join it. */
export type Trigger = {
  /** The same id is the same trigger. */
  readonly id: string;
  /** Null: no playbook claims it; a plain incident opens. */
  readonly playbook: string | null;
  readonly scope: string;
  readonly title: string;
  readonly severity: Severity;
  readonly params: Params;
  readonly onsetAtMs: number;
  readonly atMs: number;
  readonly rules: Readonly<Record<string, RuleState>>;
  readonly readings: readonly Reading[];
  readonly actor: Actor;
  readonly drill: boolean;
};

export type DeskApi = {
  /** Allocates the id once, and opens the incident through the desk's own outbox. */
  trigger(trigger: Trigger): Promise<{ readonly incidentId: string; readonly isNew: boolean }>;
  /** Newest first. */
  list(query: {
    readonly status?: "open" | "resolved";
    readonly before?: string;
    readonly limit?: number;
  }): Promise<{
    readonly items: readonly IncidentView[];
    readonly next: string | null;
  }>;
  /** What ended since then, the newest end first, however long ago it began; `ENDED_MAX` at most. */
  ended(sinceMs: number): Promise<readonly IncidentView[]>;
  /** Open incidents, oldest first: whom the monitor feeds. */
  open(): Promise<readonly IncidentView[]>;
  /** An incident says what it looks like now; an older `seq` than known is ignored. */
  project(view: IncidentView): Promise<void>;
  /** Spends one automatic action, once per lease or act; false when the hour's budget is gone. */
  spendAction(id: string, atMs: number, perHourMax: number): Promise<boolean>;
  /** When a request with this id first came, and whether what it asked for then is what it asks for now. */
  once(
    id: string,
    fingerprint: string,
    atMs: number,
  ): Promise<{ readonly firstAtMs: number; readonly isSame: boolean }>;
  /** Records alerts; says how many were news. */
  receive(
    alerts: readonly Alert[],
    atMs: number,
  ): Promise<{ readonly accepted: number; readonly duplicates: number }>;
  alertCounts(): Promise<AlertCounts>;
  /** Each with what keeps it quiet now. */
  alerts(): Promise<readonly InboxAlert[]>;
  /** What is counted and not kept whole, by scope, the largest first; at most `LIST_PAGE_MAX`. */
  alertBundles(): Promise<readonly Bundle[]>;
  /** Makes a silence, or replaces it: open incidents and alerts hear of it at once. Asked again under the same id and words it changes nothing. */
  silence(asked: AskedSilence): Promise<Result<Silence, SilenceRefusal>>;
  /** Ends it now; null when there is none. One that has ended stays as it is. */
  expireSilence(id: string, by: string, atMs: number): Promise<Silence | null>;
  /** All that are kept, those that end last first. */
  silences(): Promise<readonly Silence[]>;
  /** A job says that it ran. */
  beat(beat: Beat): Promise<void>;
  /** What was heard of these jobs; one asked for the first time is expected from now on. */
  heartbeats(names: readonly string[]): Promise<readonly Heard[]>;
  /** Users and support say that something is wrong; at most `REPORTS_BATCH_MAX` at once. */
  report(reports: readonly Report[]): Promise<void>;
  reportCounts(): Promise<ReportCounts>;
  /** Newest first. */
  reports(limit: number): Promise<readonly Report[]>;
  /** Somebody answered a pager about one of our incidents: it hears of it. False where there is none of that id. */
  answered(answer: PagerAnswer, atMs: number): Promise<boolean>;
  /** A tool tells what became of a deployment; told twice it is one. */
  deployed(deployment: Deployment): Promise<void>;
  /** Those until `toMs`, newest first; at most `DEPLOYMENTS_SHOWN_MAX`. */
  deployments(toMs: number): Promise<readonly Deployment[]>;
  /** A person accepts what an integrity check finds. */
  accept(acceptance: Acceptance): Promise<void>;
  /** The last word on each check that anybody accepted. */
  accepted(): Promise<readonly Acceptance[]>;
};
