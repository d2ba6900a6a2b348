/** What stands around a monitor under test: production's signals, the desk, incidents and guards, as the test sets them. */
import type { IncidentCommand } from "../../../src/incidents/command.ts";
import type { Trigger } from "../../../src/incidents/desk-api.ts";
import type { IncidentView } from "../../../src/incidents/view.ts";
import type { CollectRequest } from "../../../src/monitor/collector.ts";
import type { MonitorDeps } from "../../../src/monitor/monitor-object.ts";
import type { CompiledPlaybook } from "../../../src/playbooks/compile.ts";
import type { SourceId } from "../../../src/signals/catalogue.ts";
import { sources } from "../../../src/signals/registry.ts";
import { measured, unknownSignal, type SignalValue } from "../../../src/signals/signal.ts";
import { aPlaybook } from "../../support/playbooks.ts";

export const OUTAGE = aPlaybook({
  id: "outage",
  params: { hold: { type: "duration", default: "20s", min: "1s", max: "10m" } },
  rules: [
    {
      id: "probes",
      when: "probe.around_success_ratio < 0.5",
      for: "params.hold",
      clear_for: "30s",
    },
  ],
});

export class World {
  /** Known values by name; every other signal has no data. */
  values: Record<string, SignalValue> = { "probe.around_success_ratio": 1 };
  /** What sources keep for their next poll. */
  notes: Partial<Record<SourceId, unknown>> = {};
  playbooks: () => readonly CompiledPlaybook[] = () => [OUTAGE];
  open: IncidentView[] = [];
  /** Runs before each of these calls; it may throw or wait. */
  onCollect = async (): Promise<void> => {};
  onDesk = async (): Promise<void> => {};
  onIncident = async (_id: string): Promise<void> => {};
  onSetPollMs = async (): Promise<void> => {};

  readonly collected: CollectRequest[] = [];
  readonly triggers: Trigger[] = [];
  readonly handled: { readonly id: string; readonly command: IncidentCommand }[] = [];
  readonly pollsMs: number[] = [];

  get deps(): MonitorDeps {
    return {
      instance: "shop.test",
      site: { autopilot: "shadow" },
      playbooks: () => this.playbooks(),
      collect: (request) => this.#collect(request),
      desk: () => ({
        trigger: async (trigger) => {
          await this.onDesk();
          this.triggers.push(trigger);
          return { incidentId: `inc_${trigger.id}`, isNew: true };
        },
        open: async () => {
          await this.onDesk();
          return this.open;
        },
      }),
      incident: (id) => ({
        handle: async (command) => {
          await this.onIncident(id);
          this.handled.push({ id, command });
          return { ok: true, seq: 1, events: [] };
        },
      }),
      setPollMs: async (pollMs) => {
        await this.onSetPollMs();
        this.pollsMs.push(pollMs);
      },
    };
  }

  /** Rounds of collection: each asks the probes. */
  get rounds(): number {
    return this.collected.filter(({ source }) => source === "probe").length;
  }

  async #collect(request: CollectRequest) {
    this.collected.push(request);
    await this.onCollect();
    const signals = sources[request.source].emits.map((name) => {
      const value = this.values[name];
      return value === undefined
        ? unknownSignal(name, "no_data", { atMs: request.atMs })
        : measured(name, value, request);
    });
    return { signals, note: this.notes[request.source] ?? null };
  }
}

const worlds = new Map<string, World>();

/** The world of the monitor with this name; it outlives evictions of the monitor. */
export function worldOf(name: string): World {
  const world = worlds.get(name) ?? new World();
  worlds.set(name, world);
  return world;
}

export const anIncident = (fields: Partial<IncidentView> = {}): IncidentView => ({
  id: "inc_01TEST",
  instance: "shop.test",
  playbook: "outage",
  scope: "site",
  title: "Outage",
  severity: "SEV-2",
  status: "mitigating",
  lead: null,
  acknowledgedBy: null,
  drill: false,
  firingRules: [],
  leases: [],
  acts: [],
  anchors: {
    onsetAtMs: 0,
    detectedAtMs: 0,
    respondedAtMs: null,
    acknowledgedAtMs: null,
    mitigatedAtMs: null,
    enforcedAtMs: null,
    recoveredAtMs: null,
    releasedAtMs: null,
    resolvedAtMs: null,
  },
  postmortem: "none",
  nextWakeAtMs: null,
  seq: 1,
  statusPage: null,
  ...fields,
});
