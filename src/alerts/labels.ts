/** What an alert is matched by. */
import type { Alert } from "./alert.ts";
import type { Labels } from "./matchers.ts";

const known = new WeakMap<Alert, Labels>();

/** Its tool's labels. What the tool does not say by these names: `source`, `alertname` (the title) and `severity` (`SEV-1` to `SEV-4`). */
export function labelsOf(alert: Alert): Labels {
  const before = known.get(alert);
  if (before !== undefined) return before;
  const { source, title, severity } = alert;
  const labels = { source, alertname: title, severity, ...alert.labels };
  known.set(alert, labels);
  return labels;
}
