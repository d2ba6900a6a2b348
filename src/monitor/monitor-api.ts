/** What `Monitor` answers over RPC: the loop collects signals, evaluates rules, and opens, feeds and closes incidents. */
import type { Autopilot } from "../incidents/command.ts";
import type { Override } from "../playbooks/params.ts";
import type { RuleState } from "../detection/rule-state.ts";
import type { Result } from "../shared/result.ts";
import type { Signal, SignalSet } from "../signals/signal.ts";
import type { Truth } from "../expressions/truth.ts";

export type MonitorApi = {
  /** The cron's call each minute, and the suspicion's call: ticks now if the last tick is late or `why` says so, and pokes late incidents. */
  poke(why: "cron" | "suspicion" | "request"): Promise<{ readonly ticked: boolean }>;
  signals(): Promise<{ readonly atMs: number | null; readonly signals: SignalSet }>;
  /** Newest last. */
  history(name: string, fromMs: number): Promise<readonly Signal[]>;
  status(): Promise<MonitorStatus>;
  rules(): Promise<readonly RuleReport[]>;
  overrides(): Promise<readonly Override[]>;
  /** Checked against the playbook's params; a refusal names the param, the value and the range. */
  setOverride(override: Override): Promise<Result<null, string>>;
  /** Takes an override back before it expires; false when there is none. `mode` of `site` is the autopilot. */
  removeOverride(playbook: string, param: string): Promise<boolean>;
  autopilot(): Promise<Autopilot>;
};

export type MonitorStatus = {
  readonly lastTickAtMs: number | null;
  readonly lastTickTookMs: number | null;
  readonly cadenceMs: number;
  readonly nextTickAtMs: number | null;
  readonly openIncidents: readonly string[];
  /** Something that tells whether production serves is known now. */
  readonly seesProduction: boolean;
  /** A probe of ours was not answered as it should be. */
  readonly probesFail: boolean;
};

export type RuleReport = {
  readonly playbook: string;
  readonly rule: string;
  readonly state: RuleState;
  readonly truth: Truth;
  /** Why it is unknown or broken, in words. */
  readonly detail: string | null;
};
