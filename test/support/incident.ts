/** Given, when, then for the pure incident: a playbook, a clock in milliseconds, and commands. */
import type {
  CommandType,
  EffectOutcome,
  IncidentCommand,
  CommandOf,
  Rejection,
} from "../../src/incidents/command.ts";
import type { EffectDraft } from "../../src/incidents/effect.ts";
import { decide, evolve, nextWakeAtMs, react } from "../../src/incidents/incident.ts";
import { FIREBREAK, readEvent, type Actor, type JournalRow } from "../../src/incidents/journal.ts";
import { toRows, type Ground } from "../../src/incidents/moment.ts";
import { initialState, type IncidentState } from "../../src/incidents/state.ts";
import { actuatorWords } from "../../src/mitigations/registry.ts";
import { selectorWords } from "../../src/mitigations/selectors/registry.ts";
import { plainSite } from "../../src/notify/message-site.ts";
import type { BundledPlaybook } from "../../src/playbooks/bundled.ts";
import { compilePlaybook } from "../../src/playbooks/compile.ts";
import { effectiveParams } from "../../src/playbooks/params.ts";
import { playbook } from "../../src/playbooks/schema.ts";
import { catalogue } from "../../src/signals/catalogue.ts";
import { COLLECTOR_IDS } from "../../src/signals/collectors/registry.ts";
import { SWITCH_WORDS } from "./acts.ts";
import { measured, unknownSignal, type SignalSet } from "../../src/signals/signal.ts";

export const T0 = 1_800_000_000_000;
export const INCIDENT_ID = "inc_01TEST00000000000000000000";

/** An outage in small: two rules with independent evidence, one site-wide step with an expectation, recovery seen around the guard. */
export const SMALL_OUTAGE = {
  schema: "firebreak/v1",
  id: "small-outage",
  title: "Outage in small",
  owner: "tests",
  reviewed: "2026-11-01",
  severity: {
    base: "SEV-2",
    raise: [{ to: "SEV-1", when: "probe.around_success_ratio < 0.1" }],
  },
  detect: {
    trigger: "any",
    rules: [
      {
        id: "probes",
        when: "probe.around_success_ratio < 0.5",
        for: "0s",
        why: "asked and not answered",
      },
      { id: "errors", when: "traffic.error_ratio > 0.5", for: "0s", why: "visitors see errors" },
    ],
  },
  mitigate: [
    {
      do: "maintenance-mode",
      lease: "10m",
      expect: { that: "guard.enforced_ratio > 0.9", within: "30s" },
    },
  ],
  recover: {
    when: "probe.around_success_ratio > 0.9",
    release_after: "20s",
    stage_for: "10s",
    stable_for: "1m",
  },
};

export function bundledOf(spec: unknown): BundledPlaybook {
  return { spec: playbook.parse(spec), source: "test", sha256: "0".repeat(64) };
}

export function groundOf(
  bundled: BundledPlaybook,
  channels: Ground["site"]["channels"] = [],
  site: Partial<Ground["site"]> = {},
): Ground {
  const actuators = { ...actuatorWords(), ...SWITCH_WORDS };
  const compiled = compilePlaybook(bundled, {
    signals: catalogue,
    actuators,
    collectors: COLLECTOR_IDS,
    selectors: selectorWords(),
  });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return {
    playbook: compiled.value,
    actuators,
    missing: {},
    site: plainSite({ title: "Test", channels, url: null, ...site }),
  };
}

/** Signals as a tick would see them: numbers are known, `null` is unknown. */
export function signalsAt(
  atMs: number,
  values: Readonly<Record<string, number | null>>,
): SignalSet {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value === null
        ? unknownSignal(name, "timeout", { atMs })
        : measured(name, value, { atMs, freshMs: 60_000 }),
    ]),
  );
}

/** An incident being driven through its life. */
export class Drive {
  state: IncidentState = initialState;
  readonly journal: JournalRow[] = [];
  /** Effects nobody has done yet, by id. */
  readonly pending = new Map<string, EffectDraft>();
  readonly bundled: BundledPlaybook;
  readonly ground: Ground;
  atMs = T0;
  #commands = 0;

  constructor(
    spec: unknown = SMALL_OUTAGE,
    channels: Ground["site"]["channels"] = [],
    site: Partial<Ground["site"]> = {},
  ) {
    this.bundled = bundledOf(spec);
    this.ground = groundOf(this.bundled, channels, site);
  }

  after(durationMs: number): this {
    this.atMs += durationMs;
    return this;
  }

  do<Type extends CommandType>(
    type: Type,
    data: CommandOf<Type>["data"],
    by = "ada",
  ): string[] | Rejection {
    this.#commands += 1;
    const command = {
      id: `cmd-${this.#commands}`,
      type,
      atMs: this.atMs,
      actor: actorOf(type, by),
      data,
    } as unknown as IncidentCommand;
    const decided = decide(this.state, command, this.ground);
    if (!decided.ok) return decided.error;
    const rows = toRows(this.state, decided.value, command);
    for (const row of rows) {
      this.state = evolve(this.state, row);
      this.journal.push(row);
      const event = readEvent(row);
      const effect = event === null ? null : react(this.state, event, this.atMs);
      if (effect !== null) this.pending.set(`${row.seq}:0`, effect);
    }
    return rows.map((row) => row.type);
  }

  open(): this {
    this.do("open", {
      incidentId: INCIDENT_ID,
      instance: "test.unit",
      scope: "site",
      title: this.bundled.spec.title,
      playbook: this.bundled,
      params: effectiveParams(this.bundled.spec.params, [], this.atMs),
      severity: this.bundled.spec.severity.base,
      onsetAtMs: this.atMs - 5_000,
      rules: { probes: { status: "firing", sinceMs: this.atMs } },
      readings: [],
      drill: false,
    });
    return this;
  }

  see(
    values: Readonly<Record<string, number | null>>,
    autopilot: "on" | "shadow" | "off" = "on",
  ): string[] {
    const answer = this.do("observe", { signals: signalsAt(this.atMs, values), autopilot });
    if (!Array.isArray(answer)) throw new Error(`observe was refused: ${answer.reason}`);
    return answer;
  }

  /** Reports every pending effect of these kinds as done; others stay. */
  settle(outcome: EffectOutcome | null = null): string[] {
    const happened: string[] = [];
    for (const [effectId, effect] of Array.from(this.pending)) {
      this.pending.delete(effectId);
      const answer = this.do("report_effect", { effectId, outcome: outcome ?? success(effect) });
      if (Array.isArray(answer)) happened.push(...answer);
    }
    return happened;
  }

  get lease() {
    return this.state.leases.at(-1);
  }

  get act() {
    return this.state.acts.at(-1);
  }

  nextWakeAtMs(): number | null {
    return nextWakeAtMs(this.state, this.ground);
  }
}

function actorOf(type: CommandType, by: string): Actor {
  switch (type) {
    case "open":
    case "observe":
      return { kind: "monitor", id: "monitor" };
    case "wake":
    case "report_effect":
      return FIREBREAK;
    default:
      return { kind: "person", id: by };
  }
}

function success(effect: EffectDraft): EffectOutcome {
  switch (effect.kind) {
    case "lease.apply":
      return { ok: true, value: { prior: { entry: null }, receipt: {} } };
    case "lease.revert":
      return { ok: true, value: "restored" };
    case "act.judge":
      return { ok: true, value: { says: "throw it", judged: { from: "left" } } };
    case "act.perform":
      return { ok: true, value: { says: "threw it", receipt: {} } };
    case "evidence.collect":
      return { ok: true, value: { summary: "seen", facts: {} } };
    default:
      return { ok: true, value: { status: 200 } };
  }
}

export const DOWN = {
  "probe.around_success_ratio": 0,
  "traffic.error_ratio": 1,
  "guard.enforced_ratio": 0,
};
export const ENFORCED = {
  "probe.around_success_ratio": 0,
  "traffic.error_ratio": null,
  "guard.enforced_ratio": 1,
};
export const WELL = {
  "probe.around_success_ratio": 1,
  "traffic.error_ratio": 0,
  "guard.enforced_ratio": 1,
};
