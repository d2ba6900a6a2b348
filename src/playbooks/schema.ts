/**
 * The playbook format, `schema: firebreak/v1`: what the YAML says, strictly. The published JSON Schema is generated from here.
 * Meaning that a shape cannot express (expressions, names, masks) is checked by `compile.ts`.
 */
import { z } from "zod";
import { parseDuration } from "../shared/duration.ts";

export const RULES_MAX = 32;
export const STEPS_MAX = 16;
export const PARAMS_MAX = 64;
const TEXT_MAX = 2_000;

const id = z
  .string()
  .regex(/^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/, "write a kebab-case id such as request-flood")
  .max(60);
const paramName = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, "write a snake_case name such as flood_rps")
  .max(60);
const text = z.string().trim().min(1).max(TEXT_MAX);
const expression = z
  .string()
  .trim()
  .min(1)
  .max(1_000)
  .describe("A CEL expression over signals and params");

const literalDuration = z.string().superRefine((value, context) => {
  const parsed = parseDuration(value);
  if (!parsed.ok) context.addIssue({ code: "custom", message: parsed.error });
});
/** `"5m"`, or `params.<name>` of a duration param. */
const duration = z
  .union([z.string().regex(/^params\.[a-z][a-z0-9_]*$/), literalDuration])
  .describe('A duration such as "90s", or a reference such as "params.hold"');

export const severity = z.enum(["SEV-1", "SEV-2", "SEV-3", "SEV-4"]);

const described = { describes: text.optional(), unit: z.string().max(40).optional() };
/** Every threshold is a typed parameter that can be overridden at run time without a deploy. */
export const param = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("double"),
    default: z.number(),
    min: z.number().optional(),
    max: z.number().optional(),
    ...described,
  }),
  z.strictObject({
    type: z.literal("int"),
    default: z.int(),
    min: z.int().optional(),
    max: z.int().optional(),
    ...described,
  }),
  z.strictObject({
    type: z.literal("duration"),
    default: literalDuration,
    min: literalDuration.optional(),
    max: literalDuration.optional(),
    ...described,
  }),
  z.strictObject({ type: z.literal("bool"), default: z.boolean(), ...described }),
  z.strictObject({ type: z.literal("string"), default: z.string().max(TEXT_MAX), ...described }),
]);

export const rule = z.strictObject({
  id,
  when: expression,
  clear: expression.optional().describe("Without it, the rule clears when `when` is false"),
  for: duration.default("0s"),
  clear_for: duration.default("0s"),
  unknown: z
    .enum(["keep", "fire"])
    .default("keep")
    .describe("What an unknown answer means: keep the state, or count as true"),
  opens_only: z
    .boolean()
    .default(false)
    .describe(
      "It helps to open an incident; that it is still true keeps no mitigation in force and hides no recovery, as with what people said minutes ago",
    ),
  why: text,
});

export const step = z.strictObject({
  id: id.optional().describe("Defaults to the actuator's id"),
  do: id.describe("An actuator's id"),
  with: z.record(z.string(), z.unknown()).default({}),
  select: z
    .looseObject({ from: id.describe("A selector's id") })
    .optional()
    .describe(
      "Whom or what it is about, found out when it is taken, and again while the harm lasts; beside `from` stand the selector's options",
    ),
  when: expression.optional().describe("The step is skipped, with this reason, unless it is true"),
  mode: z
    .enum(["auto", "approve", "manual"])
    .optional()
    .describe(
      "Defaults to auto for what is taken back, and to approve for an act, which cannot be; a manual step is prepared, and a person starts it",
    ),
  on_silence: z
    // oxlint-disable-next-line unicorn/no-thenable -- a schema of the YAML key `then`; nobody awaits it
    .strictObject({ after: duration, then: z.enum(["decline", "apply"]) })
    .optional()
    .describe("What no answer to a request for approval means; without it the request waits"),
  alongside: z
    .boolean()
    .default(false)
    .describe(
      "The next step is taken beside it if the rules still fire: while a person is asked, or once it helps and has had the time of `expect.within`",
    ),
  lease: duration
    .optional()
    .describe("How long it holds unless it is renewed; an act has none, everything else must"),
  expect: z
    .strictObject({ that: expression, within: duration })
    .optional()
    .describe(
      "Did it help: what must be true, and by when; otherwise the step is reverted and the next one taken",
    ),
  release: z
    .enum(["staged", "at_once", "manual"])
    .optional()
    .describe("Defaults to what the actuator declares"),
});

/** What an incident that is over knows of its own end. */
export const RECORDS = ["status_page", "customers_mailed", "postmortem_owed"] as const;
export type Recorded = (typeof RECORDS)[number];

/** A line that somebody ticks, or one that Firebreak can see for itself. */
export const checklistItem = z.union([
  text,
  z.strictObject({
    item: text,
    when: expression.describe(
      "Ticked once recovery is seen and this is true; open again if it is lost",
    ),
  }),
  z.strictObject({
    item: text,
    collected: z.array(id).min(1).max(8).describe("Ticked once all of this evidence is there"),
  }),
  z.strictObject({
    item: text,
    effective: id.describe(
      "Ticked once this step is seen to help, or was done, if it mends nothing",
    ),
  }),
  z.strictObject({
    item: text,
    recorded: z
      .enum(RECORDS)
      .describe(
        "Ticked once the incident is over and its records show it: the status page says so, customers were mailed so, the post-mortem has an owner and a date; open again when it is so no more",
      ),
  }),
]);

/** What people may make larger when no step is left. */
export const scaled = z.strictObject({
  what: text.max(120).describe("What is at its limit, such as Production's CPU"),
  when: expression.describe("It is at its limit while this is true"),
  raise: text.max(300).describe("What to make larger, and where"),
});

export const playbook = z.strictObject({
  schema: z.literal("firebreak/v1"),
  id,
  title: text.max(120),
  owner: z.string().min(1).max(120),
  reviewed: z.iso.date(),
  review_every: literalDuration.default("30d"),
  severity: z.strictObject({
    base: severity,
    raise: z
      .array(z.strictObject({ to: severity, when: expression }))
      .max(8)
      .default([]),
  }),
  params: z
    .record(paramName, param)
    .default({})
    .refine((params) => Object.keys(params).length <= PARAMS_MAX, `at most ${PARAMS_MAX} params`),
  inhibits: z.array(id).max(16).default([]),
  detect: z.strictObject({
    trigger: z
      .union([z.enum(["any", "all"]), z.strictObject({ at_least: z.int().min(1).max(RULES_MAX) })])
      .default("any"),
    rules: z.array(rule).min(1).max(RULES_MAX),
  }),
  investigate: z
    .array(
      z.strictObject({
        collect: z.string().max(80),
        again: duration
          .optional()
          .describe(
            "Collected again so long afterwards, and later each time that nothing new was found, while the incident is open",
          ),
      }),
    )
    .max(32)
    .default([]),
  mitigate: z.array(step).max(STEPS_MAX).default([]),
  scale: z
    .array(scaled)
    .max(8)
    // Incidents that are open hold the playbook as it was: one from before there was this has none.
    .optional()
    .describe("Named in the page that says that no step is left, as far as it is at its limit"),
  recover: z.strictObject({
    when: expression
      .optional()
      .describe("What recovery means while a mitigation lives; without it, every rule has cleared"),
    release_after: duration
      .default("30s")
      .describe("How long recovery must last before a mitigation is released"),
    stage_for: duration.default("30s").describe("How long each stage of a staged release lasts"),
    stable_for: duration.describe(
      "How long all must be well, with nothing applied, before the incident resolves",
    ),
    reopen_within: duration.default("30m"),
  }),
  communicate: z
    .strictObject({
      status_page: z.strictObject({ component: id, message: text }).optional(),
    })
    .default({}),
  checklist: z.array(checklistItem).max(32).default([]),
  guide: z.string().max(20_000).default(""),
});

export type Severity = z.infer<typeof severity>;
export type ParamSpec = z.infer<typeof param>;
export type RuleSpec = z.infer<typeof rule>;
export type StepSpec = z.infer<typeof step>;
export type ScaledSpec = z.infer<typeof scaled>;
export type ChecklistItem = z.infer<typeof checklistItem>;
export type PlaybookSpec = z.infer<typeof playbook>;
