/**
 * Prometheus Alertmanager, webhook payload version 4. It signs nothing: the secret is a bearer token
 * (`http_config.authorization.credentials`). It retries on 5xx and drops on 4xx.
 */
import { z } from "zod";
import type { Alert } from "../alerts/alert.ts";
import { equalInConstantTime } from "../shared/equal.ts";
import { sha256Hex } from "../shared/ids.ts";
import { parseJson } from "../shared/json.ts";
import { err, ok } from "../shared/result.ts";
import { severityOf } from "./severity.ts";
import { ALERTS_PER_DELIVERY_MAX, defineWebhook, OWN_LABEL } from "./webhook.ts";

const TITLE_MAX = 200;
const LABELS_MAX = 64;
const LABEL_VALUE_MAX = 500;

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
const payload = z.looseObject({
  version: z.literal("4"),
  groupKey: z.string(),
  truncatedAlerts: z.int().min(0).default(0),
  externalURL: z.string().optional(),
  // Each is parsed by itself: one odd member must not cost us the others.
  alerts: z.array(z.unknown()).min(1),
});
type Member = z.infer<typeof member>;

export const alertmanager = defineWebhook({
  vendor: "alertmanager",

  verify: ({ headers }, secret) => {
    const [scheme, credentials] = (headers.get("authorization") ?? "").split(" ", 2);
    const isRight = equalInConstantTime(credentials ?? "", secret);
    return isRight && scheme?.toLowerCase() === "bearer";
  },

  parse: (body, { instance }) => {
    const group = payload.safeParse(parseJson(body));
    if (!group.success) return err(problemsOf(group.error));
    const { groupKey, truncatedAlerts } = group.data;
    const given = group.data.alerts.slice(0, ALERTS_PER_DELIVERY_MAX);
    const results = given.map((alert) => member.safeParse(alert));
    const members = results.flatMap((result) => (result.success ? [result.data] : []));
    if (members.length === 0) {
      return err(results.flatMap((result) => (result.success ? [] : problemsOf(result.error))));
    }
    // The group fires while any member fires, so only the members say what is true.
    const others = members.filter((alert) => alert.labels[OWN_LABEL] !== instance);
    return ok({
      id: deliveryIdOf(groupKey, members),
      alerts: others.map(toAlert),
      ownCount: members.length - others.length,
      truncatedCount: truncatedAlerts + (group.data.alerts.length - given.length),
      malformedCount: given.length - members.length,
    });
  },
});

const problemsOf = (error: z.ZodError): readonly string[] =>
  error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);

function toAlert(alert: Member): Alert {
  const endsAtMs = alert.endsAt === undefined ? Number.NaN : Date.parse(alert.endsAt);
  return {
    source: "alertmanager",
    fingerprint: alert.fingerprint,
    status: alert.status,
    title: titleOf(alert),
    severity: severityOf(alert.labels["severity"] ?? alert.labels["priority"]),
    startsAtMs: Date.parse(alert.startsAt),
    // While an alert fires, its end is Go's zero time: the year 1.
    endsAtMs: endsAtMs > 0 ? endsAtMs : null,
    labels: boundedLabels(alert.labels),
    url: httpUrlOrNull(alert.generatorURL),
  };
}

const titleOf = ({ labels, annotations, fingerprint }: Member): string =>
  (annotations["summary"] || labels["alertname"] || `alert ${fingerprint}`).slice(0, TITLE_MAX);

const boundedLabels = (labels: Member["labels"]): Alert["labels"] =>
  Object.fromEntries(
    Object.entries(labels)
      .slice(0, LABELS_MAX)
      .map(([name, value]) => [name.slice(0, TITLE_MAX), value.slice(0, LABEL_VALUE_MAX)]),
  );

/** Links end up on pages that people click, so only web addresses pass. */
const httpUrlOrNull = (url: string | undefined): string | null =>
  url !== undefined && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;

/** Alertmanager gives no delivery id: what it says is its identity. */
function deliveryIdOf(groupKey: string, alerts: readonly Member[]): string {
  const members = alerts.map(({ fingerprint, startsAt, status }) =>
    JSON.stringify([groupKey, fingerprint, startsAt, status]),
  );
  return `whk_${sha256Hex(members.toSorted().join("\n")).slice(0, 26)}`;
}
