/**
 * Sentry's integration platform. It signs the body and no time, waits one second, never tries again, and switches the hook off when
 * it fails. Alerts are what people made a rule for: an issue that merely appeared is none, yet resolving it ends its alert.
 */
import { z } from "zod";
import type { Alert } from "../alerts/alert.ts";
import { ok } from "../shared/result.ts";
import { hasHmac } from "./proof.ts";
import { deliveryIdOf, event, idText, noted, readJson, time } from "./reading.ts";
import { severityOf } from "./severity.ts";
import { defineWebhook } from "./webhook.ts";

const text = z.string().nullish();
const issueAlert = z
  .looseObject({
    event: z.looseObject({
      issue_id: idText,
      datetime: time,
      title: text,
      level: text,
      web_url: text,
      tags: z.array(z.unknown()).nullish(),
    }),
    triggered_rule: text,
  })
  .transform(({ event: of, triggered_rule: rule }) => ({
    about: `issue:${of.issue_id}`,
    atMs: of.datetime,
    title: of.title ?? "",
    word: of.level ?? undefined,
    url: of.web_url,
    labels: { ...labelsOf(of.tags ?? []), ...(rule ? { rule } : {}) },
  }));
const issue = z
  .looseObject({
    issue: z.looseObject({ id: idText, lastSeen: time, title: text, level: text, permalink: text }),
  })
  .transform(({ issue: of }) => ({
    about: `issue:${of.id}`,
    // Sentry does not say when it was resolved; no alert about it is newer than what was seen last.
    atMs: of.lastSeen,
    title: of.title ?? "",
    word: of.level ?? undefined,
    url: of.permalink,
    labels: {} as Readonly<Record<string, unknown>>,
  }));
const metricAlert = z
  .looseObject({
    metric_alert: z.looseObject({
      id: idText,
      date_started: time,
      alert_rule: z.looseObject({ name: text }).nullish(),
    }),
    description_title: text,
    web_url: text,
  })
  .transform(({ metric_alert: of, description_title: title, web_url: url }) => ({
    about: `metric:${of.id}`,
    atMs: of.date_started,
    title: of.alert_rule?.name ?? title ?? "",
    word: undefined as string | undefined,
    url,
    labels: {} as Readonly<Record<string, unknown>>,
  }));

type Kind = {
  readonly status: Alert["status"];
  readonly data: typeof issueAlert | typeof issue | typeof metricAlert;
  /** Where the kind itself says how bad it is. */
  readonly word?: string;
};
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["event_alert.triggered", { status: "firing", data: issueAlert }],
  ["issue.resolved", { status: "resolved", data: issue }],
  ["metric_alert.critical", { status: "firing", data: metricAlert, word: "critical" }],
  ["metric_alert.warning", { status: "firing", data: metricAlert, word: "warning" }],
  ["metric_alert.resolved", { status: "resolved", data: metricAlert }],
]);

const payload = z.looseObject({ action: z.string().min(1), data: z.unknown() });

export const sentry = defineWebhook({
  vendor: "sentry",

  verify: ({ headers, bytes }, secret) =>
    hasHmac(headers.get("sentry-hook-signature"), bytes, secret),

  parse: ({ headers, body }, context) => {
    const read = readJson(payload, body);
    if (!read.ok) return read;
    const name = `${headers.get("sentry-hook-resource") ?? "unknown"}.${read.value.action}`;
    const delivery = deliveryIdOf("sentry", [name, body]);
    const kind = KINDS.get(name);
    const about = kind?.data.safeParse(read.value.data);
    if (kind === undefined || about?.success !== true) return ok(noted(delivery, name));
    const { about: fingerprint, atMs: startsAtMs, title, word, url, labels } = about.data;
    // What Sentry makes up when someone tries out a rule carries this tag.
    if ("sample_event" in labels) return ok(noted(delivery, "test"));
    const severity = severityOf(kind.word ?? word);
    const { status } = kind;
    const said = {
      source: "sentry",
      fingerprint,
      status,
      title,
      severity,
      startsAtMs,
      labels,
      url,
    };
    return ok(event(delivery, said, { ...context, saidAtMs: startsAtMs }));
  },
});

/** Tags are pairs; what is none is left out. */
const labelsOf = (tags: readonly unknown[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    tags.flatMap((tag) =>
      Array.isArray(tag) && typeof tag[0] === "string" ? [[tag[0], tag[1]]] : [],
    ),
  );
