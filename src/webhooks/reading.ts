/** What reading a delivery has in common, whoever sent it: schemas, limits of texts, ids, and what is not news. Pure. */
import { z } from "zod";
import type { Alert } from "../alerts/alert.ts";
import { RESOLVED_KEEP_MS } from "../alerts/inbox.ts";
import { sha256Hex } from "../shared/ids.ts";
import { parseJson } from "../shared/json.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { OWN_LABEL, type Parsed, type WebhookContext } from "./webhook.ts";

const TITLE_MAX = 200;
const FINGERPRINT_MAX = 100;
const LABELS_MAX = 64;
const LABEL_VALUE_MAX = 500;
const NOTE_MAX = 100;

/** RFC 3339 with any offset, as epoch milliseconds. */
export const time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
/** Ids that vendors write as a number or as text. */
export const idText = z.union([z.string().min(1).max(500), z.int()]).transform((id) => String(id));

/** The body as the schema says, or what is wrong with it and where. */
export function readJson<T>(schema: z.ZodType<T>, body: string): Result<T, readonly string[]> {
  const parsed = schema.safeParse(parseJson(body));
  return parsed.success ? ok(parsed.data) : err(problemsOf(parsed.error));
}

export const problemsOf = (error: z.ZodError): readonly string[] =>
  error.issues.map((issue) => `${issue.path.join(".") || "body"}: ${issue.message}`);

/** A delivery that says nothing about production, and why it is taken all the same. */
export const noted = (id: string, note: string): Parsed => ({
  id,
  alerts: [],
  ownCount: 0,
  truncatedCount: 0,
  malformedCount: 0,
  note: note.replaceAll(/[^\w.:-]+/g, "_").slice(0, NOTE_MAX),
  visitUrl: null,
});

/** A delivery of alerts. */
export const taken = (id: string, alerts: readonly Alert[]): Parsed => ({
  ...noted(id, ""),
  alerts,
  note: null,
});

/** What an event says of one alert, before our limits. */
type Said = Omit<Alert, "labels" | "endsAtMs" | "url"> & {
  readonly labels: Readonly<Record<string, unknown>>;
  readonly endsAtMs?: number | null;
  readonly url?: unknown;
};

/**
 * A delivery of one event about one alert. `texts` are where our own mark would stand; `saidAtMs` is the event's time for vendors
 * that sign none: the firing of an alert from before what the inbox remembers may be a repetition that it no longer knows.
 */
export function event(
  id: string,
  said: Said,
  {
    instance,
    atMs,
    texts = [],
    saidAtMs = atMs,
  }: Pick<WebhookContext, "instance" | "atMs"> & {
    readonly texts?: readonly unknown[];
    readonly saidAtMs?: number;
  },
): Parsed {
  if (isOwn(said, texts, instance)) return own(id);
  if (said.status === "firing" && saidAtMs < atMs - RESOLVED_KEEP_MS) return noted(id, "too_old");
  const endsAtMs = said.endsAtMs ?? (said.status === "resolved" ? atMs : null);
  return taken(id, [boundedAlert({ ...said, endsAtMs })]);
}

/** An alert within our limits; only web addresses stay links. */
export const boundedAlert = (said: Said): Alert => ({
  ...said,
  fingerprint: shortened(said.fingerprint),
  title: (said.title || `alert ${said.fingerprint}`).slice(0, TITLE_MAX),
  endsAtMs: said.endsAtMs ?? null,
  labels: boundedLabels(said.labels),
  url: httpUrlOrNull(said.url),
});

/** Longer than we keep, it is its hash, so that two long ones stay two. */
const shortened = (fingerprint: string): string =>
  fingerprint.length <= FINGERPRINT_MAX ? fingerprint : sha256Hex(fingerprint);

/** What has a value, as text. */
function boundedLabels(labels: Readonly<Record<string, unknown>>): Alert["labels"] {
  const texts = Object.entries(labels).flatMap(([name, value]) => {
    const isValue = ["string", "number", "boolean"].includes(typeof value) && value !== "";
    return isValue ? [[name.slice(0, TITLE_MAX), String(value).slice(0, LABEL_VALUE_MAX)]] : [];
  });
  return Object.fromEntries(texts.slice(0, LABELS_MAX));
}

/** Links end up on pages that people click. */
const httpUrlOrNull = (url: unknown): string | null =>
  typeof url === "string" && /^https?:\/\//i.test(url) && URL.canParse(url) ? url : null;

/** An incident of ours, as pagers are given it to tell one from the other. */
const INCIDENT_ID = /\binc_[0-9A-HJKMNP-TV-Z]{26}\b/;

/** Did we raise this ourselves? Our label, our mark in a text, or an incident's id where tools keep what they were given. */
const isOwn = (
  { labels, title }: Pick<Said, "labels" | "title">,
  texts: readonly unknown[],
  instance: string,
): boolean =>
  labels[OWN_LABEL] === instance ||
  namesUs(title, instance) ||
  texts.some((text) => bearsOurMark(text, instance));

/** What names this instance, or an incident by its id. */
export const bearsOurMark = (text: unknown, instance: string): boolean =>
  typeof text === "string" && (INCIDENT_ID.test(text) || namesUs(text, instance));

/** `firebreak_instance=<instance>`, or with a colon, as a word of its own. */
function namesUs(text: string, instance: string): boolean {
  if (!text.includes(OWN_LABEL)) return false;
  const marks = [`${OWN_LABEL}:${instance}`, `${OWN_LABEL}=${instance}`];
  return text.split(BETWEEN_WORDS).some((word) => marks.includes(word));
}
const BETWEEN_WORDS = /[\s,;()[\]{}<>"'|]+/;

/** The incident that a pager's key for its alert is the id of; null where it is anything else. */
export const incidentIdOf = (key: unknown): string | null =>
  typeof key === "string" && new RegExp(`^${INCIDENT_ID.source}$`).test(key) ? key : null;

/** What we said ourselves, coming back. */
export const own = (id: string): Parsed => ({ ...noted(id, "own"), ownCount: 1 });

/** The id of a delivery that says these things; what the vendor calls it, where it has a name. */
export const deliveryIdOf = (vendor: string, parts: readonly unknown[]): string =>
  `whk_${sha256Hex(JSON.stringify([vendor, ...parts])).slice(0, 26)}`;
