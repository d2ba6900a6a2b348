/** The site's own monitoring tool, as far as anybody here needs one: its Alertmanager, with one critical alert that fires and ends. */

const TOLD_WITHIN_MS = 5_000;
/** As Alertmanager writes the end of what has none. */
const NEVER = "0001-01-01T00:00:00Z";

export type OutsideAlert = {
  readonly name: string;
  readonly startedAtMs: number;
  /** Null: it fires. */
  readonly endedAtMs: number | null;
};

/** Tells Firebreak once; resolves with the answer's status. */
export async function tellAlert(
  site: { readonly url: string; readonly token: string },
  { name, startedAtMs, endedAtMs }: OutsideAlert,
): Promise<number> {
  const labels = { alertname: name, severity: "critical" };
  const annotations = { summary: `${name}, as seen from outside` };
  const status = endedAtMs === null ? "firing" : "resolved";
  const alert = {
    status,
    labels,
    annotations,
    startsAt: new Date(startedAtMs).toISOString(),
    endsAt: endedAtMs === null ? NEVER : new Date(endedAtMs).toISOString(),
    generatorURL: "",
    fingerprint: "f17eb4ea00000001",
  };
  const response = await fetch(`${site.url}/_firebreak/webhooks/alertmanager`, {
    method: "POST",
    headers: { Authorization: `Bearer ${site.token}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      version: "4",
      groupKey: `{}:{alertname="${name}"}`,
      truncatedAlerts: 0,
      status,
      receiver: "firebreak",
      groupLabels: { alertname: name },
      commonLabels: labels,
      commonAnnotations: annotations,
      externalURL: "",
      alerts: [alert],
    }),
    signal: AbortSignal.timeout(TOLD_WITHIN_MS),
  });
  return response.status;
}
