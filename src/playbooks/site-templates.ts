/**
 * The words that a site may put in place of ours: for its own people, for the public, and for customers. Which fields there are is
 * checked when the site is read, and so is that none of the mission's `[placeholders]` was left to fill in.
 */
import { z } from "zod";
import { unfitForPublic } from "../shared/private.ts";

export const INTERNAL_CHARS_MAX = 1_000;
export const EXTERNAL_CHARS_MAX = 500;
export const SUBJECT_CHARS_MAX = 150;
export const MAIL_CHARS_MAX = 4_000;

/** The fields of each, as they are written: `{title}`. */
export const TEMPLATE_FIELDS = {
  internal: [
    "severity",
    "title",
    "status",
    "impact",
    "lead",
    "duration",
    "since",
    "next_update",
    "site",
  ],
  external: ["site", "component", "every", "impact", "duration", "next_update"],
  customer: [
    "site",
    "component",
    "trouble",
    "message",
    "status_page",
    "every",
    "impact",
    "duration",
    "next_update",
  ],
} as const;
type Kind = keyof typeof TEMPLATE_FIELDS;
export type Fields<Of extends Kind> = Readonly<
  Record<(typeof TEMPLATE_FIELDS)[Of][number], string>
>;

const FIELD = /\{([^{}]*)\}/g;

/** Values in place of fields; those of the outside are put in as they are, and are no fields themselves. */
export const fill = <Of extends Kind>(template: string, values: Fields<Of>): string =>
  template.replaceAll(FIELD, (written, name: string) => {
    const known: Readonly<Record<string, string>> = values;
    return Object.hasOwn(known, name) ? (known[name] ?? written) : written;
  });

/** What is wrong with a template, in words; null when nothing is. */
function problemWith(text: string, kind: Kind): string | null {
  const fields: readonly string[] = TEMPLATE_FIELDS[kind];
  const unknown = [...text.matchAll(FIELD)].find(([, name = ""]) => !fields.includes(name));
  if (unknown !== undefined) {
    return `there is no field ${unknown[0]}; there are ${fields.map((name) => `{${name}}`).join(", ")}`;
  }
  const left = /\[[^\]]*\]/.exec(text);
  if (left !== null) return `${left[0]} was left to fill in; write a field, such as {${fields[0]}}`;
  return kind === "internal" ? null : unfitForPublic(text.replaceAll(FIELD, ""));
}

const template = (kind: Kind, charsMax: number, lines: RegExp) =>
  z
    .string()
    .trim()
    .min(1)
    .max(charsMax)
    .regex(lines, "write one line")
    .superRefine((text, ctx) => {
      const message = problemWith(text, kind);
      if (message !== null) ctx.addIssue({ code: "custom", message });
    });
const ONE_LINE = /^\P{Cc}*$/u;
const LINES = /^[\P{Cc}\n]*$/u;

const external = template("external", EXTERNAL_CHARS_MAX, ONE_LINE);

export const templates = z
  .strictObject({
    /** How each message to the site's own people begins. */
    internal: template("internal", INTERNAL_CHARS_MAX, LINES).default(
      [
        "{severity} Incident: {title}",
        "Status: {status}",
        "Impact: {impact}",
        "Lead: {lead}",
        "Duration: {duration}, since {since} UTC",
        "Next Update: {next_update}",
      ].join("\n"),
    ),
    /** What the public reads where neither a playbook nor a person says it in words of their own. */
    external: z
      .strictObject({
        investigating: external.default("We are looking into it further."),
        identified: external.default("We are taking measures against it."),
        monitoring: external.default("Measures are in place, and we are watching the recovery."),
        resolved: external.default("It is over."),
        /** Said after these, and after a playbook's words, as long as it is not over; null: nothing. */
        impact: external.nullable().default("Impact: {impact}. Next update: {next_update}."),
        /** The same once it is over. */
        lasted: external.nullable().default("It lasted {duration}."),
      })
      .prefault({}),
    /** What customers are written when it begins. */
    customer: z
      .strictObject({
        subject: template("customer", SUBJECT_CHARS_MAX, ONE_LINE).default(
          "{site} Service Disruption",
        ),
        body: template("customer", MAIL_CHARS_MAX, LINES).default(
          [
            "We are currently experiencing technical difficulties with our platform.",
            "Our team is working to restore service as quickly as possible.",
            "Updates will be provided every {every} at {status_page}",
          ].join("\n"),
        ),
      })
      .prefault({}),
  })
  .prefault({});
export type Templates = z.output<typeof templates>;
export const USUAL_TEMPLATES: Templates = templates.parse({});
