/** The group of alerts that Alertmanager made up and Grafana speaks as well; only the version differs. */
import { z } from "zod";
import type { Alert } from "../alerts/alert.ts";
import { sha256Hex } from "../shared/ids.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { boundedAlert, problemsOf, readJson } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { ALERTS_PER_DELIVERY_MAX, OWN_LABEL, type Parsed } from "./webhook.ts";

const texts = z.record(z.string(), z.string()).default({});
// Go writes RFC 3339 with nanoseconds and any offset.
const time = z.iso.datetime({ offset: true });
const member = z.looseObject({
  status: z.enum(["firing", "resolved"]),
  labels: texts,
  annotations: texts,
  startsAt: time,
  endsAt: time.optional(),
  generatorURL: z.string().optional(),
  fingerprint: z.string().min(1).max(100),
});
const payload = (version: string) =>
  z.looseObject({
    version: z.literal(version),
    groupKey: z.string(),
    truncatedAlerts: z.int().min(0).default(0),
    // Each is parsed by itself: one odd member must not cost us the others.
    alerts: z.array(z.unknown()).min(1),
  });
type Member = z.infer<typeof member>;

type Group = {
  readonly vendor: string;
  readonly version: string;
  readonly instance: string;
  /** The members that the tool's test button sends. */
  readonly isTest?: (labels: Member["labels"]) => boolean;
};

export function readGroup(
  body: string,
  { vendor, version, instance, isTest = () => false }: Group,
): Result<Parsed, readonly string[]> {
  const group = readJson(payload(version), body);
  if (!group.ok) return group;
  const { groupKey, truncatedAlerts } = group.value;
  const given = group.value.alerts.slice(0, ALERTS_PER_DELIVERY_MAX);
  const results = given.map((alert) => member.safeParse(alert));
  const members = results.flatMap((result) => (result.success ? [result.data] : []));
  if (members.length === 0) {
    return err(results.flatMap((result) => (result.success ? [] : problemsOf(result.error))));
  }
  // The group fires while any member fires, so only the members say what is true.
  const others = members.filter((alert) => alert.labels[OWN_LABEL] !== instance);
  const real = others.filter((alert) => !isTest(alert.labels));
  return ok({
    id: deliveryIdOf(groupKey, members),
    alerts: real.map((alert) => toAlert(vendor, alert, sha256Hex(groupKey).slice(0, GROUP_CHARS))),
    ownCount: members.length - others.length,
    truncatedCount: truncatedAlerts + (group.value.alerts.length - given.length),
    malformedCount: given.length - members.length,
    note: real.length > 0 ? null : others.length > 0 ? "test" : "own",
    visitUrl: null,
  });
}

/** A group's key spells out its labels, however many; a digest tells groups apart as well. */
const GROUP_CHARS = 26;

function toAlert(vendor: string, alert: Member, group: string): Alert {
  const endsAtMs = alert.endsAt === undefined ? Number.NaN : Date.parse(alert.endsAt);
  const { annotations, labels } = alert;
  return {
    ...boundedAlert({
      source: vendor,
      fingerprint: alert.fingerprint,
      group,
      status: alert.status,
      title: annotations["summary"] || labels["alertname"] || "",
      severity: severityOf(labels["severity"] ?? labels["priority"]),
      startsAtMs: Date.parse(alert.startsAt),
      labels,
      url: alert.generatorURL,
    }),
    // While an alert fires, its end is Go's zero time: the year 1.
    endsAtMs: endsAtMs > 0 ? endsAtMs : null,
  };
}

/** Neither gives a delivery id: what the group says is its identity. */
function deliveryIdOf(groupKey: string, alerts: readonly Member[]): string {
  const members = alerts.map(({ fingerprint, startsAt, status }) =>
    JSON.stringify([groupKey, fingerprint, startsAt, status]),
  );
  return `whk_${sha256Hex(members.toSorted().join("\n")).slice(0, 26)}`;
}
