/** A tool that the site maps in `site.yaml`: CEL says which part of a delivery is an alert, and what its fields are. */
import { inCel, readMapping, type Mapped } from "../expressions/mapping.ts";
import type { MappedWebhook } from "../playbooks/site-webhooks.ts";
import { parseJson } from "../shared/json.ts";
import { sha256Hex } from "../shared/ids.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { Alert } from "../alerts/alert.ts";
import { hasHmac, showsSecret, showsSecretSomehow } from "./proof.ts";
import { deliveryIdOf, event, noted } from "./reading.ts";
import { severityOf } from "./severity.ts";
import {
  ALERTS_PER_DELIVERY_MAX,
  type Parsed,
  type Webhook,
  type WebhookContext,
} from "./webhook.ts";

const GROUP_CHARS = 26;
const DEPTH_MAX = 16;

/** The adapter that a mapping is. */
export const mapped = (spec: MappedWebhook): Webhook => ({
  vendor: spec.id,
  verify: verifierOf(spec),
  parse: ({ body: text }, context) => {
    const sent = parseJson(text);
    if (sent === undefined) return err(["body: not JSON"]);
    const body = inCel(sent);
    const items = spec.items === undefined ? ok([body]) : listOf(spec.items, body);
    if (!items.ok) return items;
    const given = items.value.slice(0, ALERTS_PER_DELIVERY_MAX);
    const read = given.map((item) => readItem(spec, { body, item }, context));
    const problems = read.flatMap((one) => (one.ok ? [] : one.error));
    if (problems.length > 0 && read.every((one) => !one.ok)) return err(problems);
    return ok(together(deliveryIdOf(spec.id, [text]), read, items.value.length - given.length));
  },
});

function verifierOf({ proof, header, prefix }: MappedWebhook): Webhook["verify"] {
  if (proof === "secret") return showsSecret;
  if (proof === "address") return showsSecretSomehow;
  return ({ headers, bytes }, secret) => hasHmac(headers.get(header ?? ""), bytes, secret, prefix);
}

function listOf(source: string, body: unknown): Result<readonly unknown[], readonly string[]> {
  const value = valueOf("items", source, { body, item: body });
  if (!value.ok) return value;
  return Array.isArray(value.value) ? ok(value.value) : err(["items: not a list"]);
}

type Item = Result<Parsed, readonly string[]>;

function readItem(spec: MappedWebhook, given: Mapped, context: WebhookContext): Item {
  if (spec.ignored !== undefined) {
    const ignored = valueOf("ignored", spec.ignored, given);
    if (ignored.ok && ignored.value === true) return ok(noted("", "ignored"));
  }
  const fields = valuesOf(spec, given);
  if (!fields.ok) return fields;
  const { firing, fingerprint, title, severity, startsAt, saidAt, group } = fields.value;
  const said = {
    source: spec.id,
    fingerprint,
    group: group === null ? null : sha256Hex(group).slice(0, GROUP_CHARS),
    status: firing ? "firing" : "resolved",
    title,
    severity: severityOf(severity),
    startsAtMs: startsAt ?? context.atMs,
    labels: {},
  } as const satisfies Partial<Alert>;
  // Whole, and not as a part of what anybody may have written into a log.
  const texts = textsIn(given.item).filter((text) => MARK.test(text.trim()));
  return ok(event("", said, { ...context, texts, saidAtMs: saidAt ?? context.atMs }));
}

const MARK = /^(?:inc_[0-9A-Z]{26}|firebreak_instance[=:]\S{1,130})$/;

/** Wherever the tool keeps it, our mark is in one of them. As deep as people nest what they send. */
function textsIn(value: unknown, depth = 0): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return [];
  const members = value instanceof Map ? [...value.values()] : Object.values(value);
  return members.flatMap((member: unknown) => textsIn(member, depth + 1));
}

const TEXTS = ["fingerprint", "title", "severity", "group"] as const;
const TIMES = ["starts_at", "said_at"] as const;

function valuesOf(spec: MappedWebhook, given: Mapped) {
  const problems: string[] = [];
  /** The value, or null beside what is wrong with it. */
  const take = <T>(read: Result<T, readonly string[]>): T | null => {
    if (read.ok) return read.value;
    problems.push(...read.error);
    return null;
  };
  const firing = take(valueOf("firing", spec.firing, given));
  if (firing !== null && typeof firing !== "boolean") problems.push("firing: not true or false");
  const [fingerprint, title, severity, group] = TEXTS.map((name) =>
    take(textOf(name, spec[name], given)),
  );
  const [startsAt, saidAt] = TIMES.map((name) => take(timeOf(name, spec[name], given)));
  if (fingerprint === "") problems.push("fingerprint: empty");
  if (problems.length > 0) return err(problems);
  return ok({
    firing: firing === true,
    fingerprint: fingerprint ?? "",
    title: title ?? "",
    severity: severity ?? undefined,
    group: group ?? null,
    startsAt: startsAt ?? null,
    saidAt: saidAt ?? null,
  });
}

function valueOf(field: string, source: string, given: Mapped): Result<unknown, readonly string[]> {
  const program = readMapping(source);
  if (!program.ok) return err([`${field}: ${program.error}`]);
  const value = program.value(given);
  return value.ok ? value : err([`${field}: ${value.error}`]);
}

/** Text, or a number as text; null where the mapping does not say. */
function textOf(
  field: string,
  source: string | undefined,
  given: Mapped,
): Result<string | null, readonly string[]> {
  if (source === undefined) return ok(null);
  const read = valueOf(field, source, given);
  if (!read.ok) return read;
  const { value } = read;
  if (typeof value === "string") return ok(value);
  if (typeof value === "bigint" || typeof value === "number") return ok(String(value));
  return err([`${field}: not a text`]);
}

/** Epoch milliseconds, of RFC 3339 or of seconds since 1970; null where the mapping does not say. */
function timeOf(
  field: string,
  source: string | undefined,
  given: Mapped,
): Result<number | null, readonly string[]> {
  const read = textOf(field, source, given);
  if (!read.ok || read.value === null) return read.ok ? ok(null) : read;
  const isSeconds = /^\d{1,12}(?:\.\d+)?$/.test(read.value);
  const atMs = isSeconds ? Math.round(Number(read.value) * 1_000) : Date.parse(read.value);
  return Number.isNaN(atMs) ? err([`${field}: not a time`]) : ok(atMs);
}

function together(id: string, read: readonly Item[], truncatedCount: number): Parsed {
  const parsed = read.flatMap((one) => (one.ok ? [one.value] : []));
  const alerts = parsed.flatMap((one) => one.alerts);
  return {
    ...noted(id, ""),
    alerts,
    ownCount: parsed.reduce((sum, { ownCount }) => sum + ownCount, 0),
    truncatedCount,
    malformedCount: read.length - parsed.length,
    note: alerts.length > 0 ? null : (parsed[0]?.note ?? "empty"),
  };
}
