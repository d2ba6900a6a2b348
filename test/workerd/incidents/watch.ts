/** The monitor and the desk of a scenario, made of their pure parts: looks at given signals at its beat, and says what the incident hears. */
import type { Silence } from "../../../src/alerts/silences.ts";
import { evaluateRules, statesAfter } from "../../../src/detection/evaluate-rules.ts";
import {
  firstBadSampleAtMs,
  isTriggered,
  type RuleStates,
} from "../../../src/detection/trigger.ts";
import type { IncidentCommand } from "../../../src/incidents/command.ts";
import { answerTrigger, joinCommand, openCommand } from "../../../src/incidents/desk.ts";
import type { IncidentView } from "../../../src/incidents/view.ts";
import {
  bundledOf,
  groundOf,
  INCIDENT_ID,
  signalsAt,
  SMALL_OUTAGE,
} from "../../support/incident.ts";

export const BEAT_MS = 5_000;

export type Readings = Readonly<Record<string, number | null>>;

export class Watch {
  /** What the desk would hand to an incident that opens. */
  silences: readonly Silence[] = [];
  readonly #bundled = bundledOf(SMALL_OUTAGE);
  readonly #playbook = groundOf(this.#bundled).playbook;
  #rules: RuleStates = {};

  /** What a tick at `nowMs` tells the incident; null when there is nothing to tell. */
  tick(readings: Readings, latest: IncidentView | null, nowMs: number): IncidentCommand | null {
    const signals = signalsAt(nowMs, readings);
    const params = {};
    const seen = { signals, params, nowMs };
    this.#rules = statesAfter(evaluateRules(this.#playbook.rules, this.#rules, seen));
    const actor = { kind: "monitor", id: "monitor" } as const;
    if (latest !== null && latest.status !== "resolved") {
      const data = { signals, autopilot: "on" } as const;
      return { id: `observe:${nowMs}`, type: "observe", atMs: nowMs, actor, data };
    }
    const { spec } = this.#bundled;
    if (!isTriggered(spec.detect.trigger, this.#rules)) return null;
    const trigger = {
      id: `trg_${nowMs}`,
      playbook: spec.id,
      scope: "site",
      title: spec.title,
      severity: spec.severity.base,
      params,
      onsetAtMs: firstBadSampleAtMs(this.#rules) ?? nowMs,
      atMs: nowMs,
      rules: this.#rules,
      readings: [],
      actor,
      drill: false,
    };
    const answer = answerTrigger(trigger, latest, this.#bundled);
    return answer.answer === "open"
      ? openCommand(trigger, INCIDENT_ID, {
          playbook: this.#bundled,
          instance: "shop.test",
          silences: this.silences,
        })
      : joinCommand(trigger, answer);
  }
}
