/**
 * What Prometheus scrapes, as text (exposition format 0.0.4). Pure. What is not known has no sample; labels come from our own
 * registries and the site's playbooks only, never from addresses, titles or ids.
 */
import type { Alert } from "../alerts/alert.ts";
import type { IncidentView } from "../incidents/view.ts";
import type { LeaseStatus } from "../mitigations/lease.ts";
import { severity } from "../playbooks/schema.ts";
import { isKnown, type SignalSet } from "../signals/signal.ts";
import type { KpiPart } from "./breakdown.ts";
import type { Kpis } from "./kpis.ts";

export type Metrics = {
  /** Parts of ours, and whether they answered just now. */
  readonly parts: Readonly<Record<string, boolean>>;
  /** Null where nobody answered. */
  readonly open: readonly IncidentView[] | null;
  /** What outside monitoring said, as the inbox has it. */
  readonly alerts: readonly Pick<Alert, "source" | "severity" | "status">[] | null;
  readonly lastAlertAtMs: number | null;
  readonly policy: PolicyMetrics | null;
  /** Of the guards' reports of the last minute, those that never came; null where nobody could say. */
  readonly reportsMissing: number | null;
  readonly kpis: Kpis | null;
  readonly bySeverity: readonly KpiPart[];
  readonly byPlaybook: readonly KpiPart[];
  readonly overduePostmortems: number | null;
  readonly overdueActionItems: number | null;
  readonly signals: SignalSet | null;
  readonly lastTickAtMs: number | null;
  readonly cadenceMs: number | null;
};

export type PolicyMetrics = {
  readonly version: number;
  readonly compiledAtMs: number | null;
  /** The kind of each entry. */
  readonly kinds: readonly string[];
};

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number | null];
type Family = {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
};

/** Every metric is a gauge: an index that forgets makes no counters. */
export const exposition = (metrics: Metrics): string =>
  familiesOf(metrics)
    .map(({ name, help, samples }) => {
      const lines = samples.flatMap(([labels, value]) =>
        value === null ? [] : [`${name}${labelsText(labels)} ${value}\n`],
      );
      return lines.length === 0
        ? ""
        : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${lines.join("")}`;
    })
    .join("");

const familiesOf = (metrics: Metrics): readonly Family[] => [
  {
    name: "firebreak_part_up",
    help: "1 when the part answered this scrape.",
    samples: Object.entries(metrics.parts).map(([part, isUp]) => [{ part }, Number(isUp)]),
  },
  {
    name: "firebreak_monitor_last_tick_timestamp_seconds",
    help: "When production was last looked at.",
    samples: [[{}, seconds(metrics.lastTickAtMs)]],
  },
  {
    name: "firebreak_monitor_cadence_seconds",
    help: "How often the monitor means to look now.",
    samples: [[{}, seconds(metrics.cadenceMs)]],
  },
  ...signalFamilies(metrics.signals ?? {}),
  ...openFamilies(metrics.open),
  ...alertFamilies(metrics),
  ...policyFamilies(metrics.policy),
  {
    name: "firebreak_guard_reports_missing",
    help: "Reports of guards that were lost within the last minute; what they counted is not known.",
    samples: [[{}, metrics.reportsMissing]],
  },
  ...kpiFamilies(metrics),
  {
    name: "firebreak_postmortems_overdue",
    help: "Post-mortems of SEV-1 and SEV-2 that were due and are not complete.",
    samples: [[{}, metrics.overduePostmortems]],
  },
  {
    name: "firebreak_action_items_overdue",
    help: "Action items of post-mortems that were due and are not done.",
    samples: [[{}, metrics.overdueActionItems]],
  },
];

function signalFamilies(signals: SignalSet): readonly Family[] {
  const all = Object.values(signals);
  return [
    {
      name: "firebreak_signal_known",
      help: "1 while the signal is known; why not is in the API.",
      samples: all.map((signal) => [{ signal: signal.name }, Number(isKnown(signal))]),
    },
    {
      name: "firebreak_signal_value",
      help: "The signal, in the unit that its name ends with.",
      samples: all.map((signal) => [
        { signal: signal.name },
        isKnown(signal) && typeof signal.value !== "string" ? Number(signal.value) : null,
      ]),
    },
  ];
}

/** Drills are no incidents. */
function openFamilies(open: readonly IncidentView[] | null): readonly Family[] {
  if (open === null) return [];
  const real = open.filter(({ drill }) => !drill);
  const inForce = real
    .flatMap(({ leases }) => leases)
    .filter(({ shadow, status }) => !shadow && IN_FORCE.has(status));
  return [
    {
      name: "firebreak_incidents_open",
      help: "Open incidents, drills left out.",
      samples: severity.options.map((level) => [
        { severity: level },
        real.filter((view) => view.severity === level).length,
      ]),
    },
    {
      name: "firebreak_incidents_unacknowledged",
      help: "Open incidents that nobody has acknowledged.",
      samples: severity.options.map((level) => [
        { severity: level },
        real.filter((view) => view.severity === level && view.acknowledgedBy === null).length,
      ]),
    },
    {
      name: "firebreak_incidents_unreached",
      help: "Open incidents of which no message has reached anybody yet.",
      samples: severity.options.map((level) => [
        { severity: level },
        real.filter((view) => view.severity === level && view.reachedAtMs === null).length,
      ]),
    },
    {
      name: "firebreak_playbook_incidents_open",
      help: "Open incidents of the playbook, drills left out; no sample where there is none.",
      samples: counted(real, ({ playbook }) => ({ playbook })),
    },
    {
      name: "firebreak_messages_muted",
      help: "Messages about open incidents that a silence or the like kept back.",
      samples: [[{}, real.reduce((sum, { mutedMessages = 0 }) => sum + mutedMessages, 0)]],
    },
    {
      name: "firebreak_mitigations",
      help: "Mitigations of open incidents by how they stand, rehearsals left out; proposed ones wait for a person.",
      samples: counted(
        real.flatMap(({ leases, acts }) => [...leases, ...acts]).filter(({ shadow }) => !shadow),
        ({ actuator, status }) => ({ actuator, status }),
      ),
    },
    {
      name: "firebreak_mitigations_in_force",
      help: "Mitigations in force for open incidents.",
      samples: counted(inForce, ({ actuator }) => ({ actuator })),
    },
  ];
}

/** Only what fires is told by its source: the rest is history. */
function alertFamilies({ alerts, lastAlertAtMs }: Metrics): readonly Family[] {
  const firing = (alerts ?? []).filter(({ status }) => status === "firing");
  return [
    {
      name: "firebreak_alerts_firing",
      help: "Alerts that outside monitoring says are firing; no sample where there is none.",
      samples: counted(firing, ({ source, severity: level }) => ({ source, severity: level })),
    },
    {
      name: "firebreak_alerts_last_received_timestamp_seconds",
      help: "When a webhook last brought an alert.",
      samples: [[{}, seconds(lastAlertAtMs)]],
    },
  ];
}

function policyFamilies(policy: PolicyMetrics | null): readonly Family[] {
  if (policy === null) return [];
  return [
    {
      name: "firebreak_policy_version",
      help: "The policy that guards should decide on.",
      samples: [[{}, policy.version]],
    },
    {
      name: "firebreak_policy_compiled_timestamp_seconds",
      help: "When that policy was compiled.",
      samples: [[{}, seconds(policy.compiledAtMs)]],
    },
    {
      name: "firebreak_policy_entries",
      help: "Entries of the policy by kind; no sample where there is none.",
      samples: counted(policy.kinds, (kind) => ({ kind })),
    },
  ];
}

/** How many there are of each that are labelled alike. */
function counted<T>(all: readonly T[], labelsOf: (one: T) => Labels): readonly Sample[] {
  const groups = Map.groupBy(all, (one) => labelsText(labelsOf(one)));
  return [...groups.values()].map((group): Sample => {
    const [first] = group;
    return [first === undefined ? {} : labelsOf(first), group.length];
  });
}

const IN_FORCE: ReadonlySet<LeaseStatus> = new Set([
  "applied",
  "effective",
  "ineffective",
  "releasing",
]);

function kpiFamilies({ kpis, bySeverity, byPlaybook }: Metrics): readonly Family[] {
  if (kpis === null) return [];
  const parts: readonly (readonly [Labels, Kpis])[] = [
    [{ severity: "", playbook: "" }, kpis],
    ...bySeverity.map(({ key, kpis: part }) => [{ severity: key, playbook: "" }, part] as const),
    ...byPlaybook.map(({ key, kpis: part }) => [{ severity: "", playbook: key }, part] as const),
  ];
  return [
    {
      name: "firebreak_kpi_incidents",
      help: "Incidents detected in the last 30 days, drills left out; of one severity or playbook where a label says so.",
      samples: parts.map(([labels, part]) => [labels, part.incidents]),
    },
    {
      name: "firebreak_kpi_duration_seconds",
      help: "Mean over the incidents of the last 30 days where it has happened.",
      samples: parts.flatMap(([labels, part]) =>
        DURATIONS.map((kpi): Sample => [
          { kpi: nameOf(kpi), ...labels },
          seconds(part[kpi].meanMs),
        ]),
      ),
    },
    {
      name: "firebreak_kpi_target_seconds",
      help: "The mean is to be below this.",
      samples: DURATIONS.map((kpi) => [{ kpi: nameOf(kpi) }, seconds(kpis[kpi].targetMs)]),
    },
    {
      name: "firebreak_kpi_incidents_per_week",
      help: "Incidents per seven days, of the last 30 days.",
      samples: [[{}, kpis.incidentRate.perWeek]],
    },
    {
      name: "firebreak_kpi_postmortem_completion_ratio",
      help: "Of the SEV-1 and SEV-2 incidents resolved, those whose post-mortem is complete.",
      samples: [[{}, kpis.postmortemCompletion.ratio]],
    },
  ];
}

const DURATIONS = [
  "timeToDetect",
  "timeToAcknowledge",
  "timeToMitigate",
  "timeToEnforce",
  "timeToResolve",
] as const;

/** `timeToDetect` → `time_to_detect` */
const nameOf = (kpi: string): string =>
  kpi.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);

/** An empty label is none, as Prometheus has it. */
function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels)
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
