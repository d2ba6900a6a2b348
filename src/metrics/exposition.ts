/**
 * What Prometheus scrapes, as text (exposition format 0.0.4). Pure. What is not known has no sample; labels come from our own
 * registries and the site's playbooks only, never from addresses, titles or ids.
 */
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
  readonly kpis: Kpis | null;
  readonly bySeverity: readonly KpiPart[];
  readonly byPlaybook: readonly KpiPart[];
  readonly overduePostmortems: number | null;
  readonly overdueActionItems: number | null;
  readonly signals: SignalSet | null;
  readonly lastTickAtMs: number | null;
  readonly cadenceMs: number | null;
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
      name: "firebreak_mitigations_in_force",
      help: "Mitigations in force for open incidents.",
      samples: [...Map.groupBy(inForce, ({ actuator }) => actuator)].map(([actuator, leases]) => [
        { actuator },
        leases.length,
      ]),
    },
  ];
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
