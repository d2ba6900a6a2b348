/** The parts of `site.yaml` about people: who they are, who is asked when nobody answers, and which suppliers can be called. */
import { z } from "zod";
import type { Reminders } from "../incidents/chase.ts";
import { parseDuration } from "../shared/duration.ts";
import { resolveDuration } from "./params.ts";
import { id } from "./site-words.ts";

export const PEOPLE_MAX = 200;
export const SUPPLIERS_MAX = 32;
export const LEVELS_MAX = 8;
export const LEVEL_CHANNELS_MAX = 16;
export const LEVEL_PEOPLE_MAX = 16;
export const REPEAT_MAX = 10;
export const REMINDERS_MAX = 10;

const THROTTLE_MS_MAX = 30 * 60_000;
const WAIT_MS_MIN = 60_000;
const WAIT_MS_MAX = 7 * 24 * 3_600_000;

const line = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(/^\P{Cc}*$/u, "write one line");
export const wait = z.string().refine((text) => {
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value >= WAIT_MS_MIN && parsed.value <= WAIT_MS_MAX;
}, "write a duration from 1m to 7d");

/** Somebody who is asked, and who may press buttons in a chat as this role. */
export const person = z.strictObject({
  id,
  /** What the journal and messages call them. */
  name: line.max(120),
  role: z.enum(["viewer", "responder", "admin"]).default("responder"),
  /** Their member id in Slack. */
  slack: z
    .string()
    .regex(/^[UW][A-Z0-9]{7,20}$/, "write a member's id, such as U0123ABCD")
    .optional(),
  /** Their user id in Discord. */
  discord: z
    .string()
    .regex(/^\d{17,20}$/, "write a user's id in quotes: 17 to 20 digits")
    .optional(),
});
export type Person = z.infer<typeof person>;

/** Whom to call about a dependency, and what they will ask. */
export const supplier = z
  .strictObject({
    id,
    name: line.max(120),
    url: z
      .url({ protocol: /^https$/ })
      .max(500)
      .optional(),
    email: z.email().max(254).optional(),
    phone: line.max(40).optional(),
    /** What they know us by: an account, a plan, a contract. */
    account: line.optional(),
    note: line.optional(),
  })
  .refine(({ url, email, phone }) => (url ?? email ?? phone) !== undefined, {
    message: "say how they are reached: url, email or phone",
  });
export type Supplier = z.infer<typeof supplier>;

/** On one line, the quickest way first. */
export const howToReach = ({ phone, url, email, account, note }: Supplier): string =>
  [phone, url, email, account === undefined ? undefined : `we are ${account}`, note]
    .filter((part) => part !== undefined)
    .join("; ");

const level = z.strictObject({
  /** How long after the level before it, or after the incident opened; without it, the severity's response time. */
  after: wait.optional(),
  channels: z.array(id).max(LEVEL_CHANNELS_MAX).default([]),
  people: z.array(id).max(LEVEL_PEOPLE_MAX).default([]),
});

/** Who is asked, one level after the other, until somebody acknowledges. */
export const escalation = z
  .strictObject({
    /** The mission's severity table. */
    respond_within: z
      .strictObject({
        "SEV-1": wait.default("15m"),
        "SEV-2": wait.default("30m"),
        "SEV-3": wait.default("2h"),
        "SEV-4": wait.default("24h"),
      })
      .prefault({}),
    /** Beside the channels of the severity, which hear every time. Without any, only those hear. */
    levels: z.array(level).max(LEVELS_MAX).default([]),
    /** How often all levels are asked again. */
    repeat: z.int().min(0).max(REPEAT_MAX).default(2),
  })
  .prefault({});
export type EscalationSpec = z.infer<typeof escalation>;

/** Of news that wakes nobody, a channel hears so many messages `within` this at once; what more there is comes together as one. */
export const throttle = z
  .strictObject({
    at_once: z.int().min(1).max(50).default(5),
    within: z
      .string()
      .refine((text) => {
        const parsed = parseDuration(text);
        return parsed.ok && parsed.value >= 1_000 && parsed.value <= THROTTLE_MS_MAX;
      }, "write a duration from 1s to 30m")
      .default("1m"),
  })
  .prefault({});

const REMINDER_MS_MAX = 365 * 24 * 3_600_000;
const reminder = z.string().refine((text) => {
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value >= WAIT_MS_MIN && parsed.value <= REMINDER_MS_MAX;
}, "write a duration from 1m to 365d");

/** When whoever owes the post-mortem of a SEV-1 or SEV-2, or an action item of one, is reminded: before and after it is due. */
export const chase = z
  .strictObject({
    before: reminder.default("1d"),
    after: z
      .array(reminder)
      .max(REMINDERS_MAX)
      .default(["3d", "10d", "25d"])
      .refine(
        (all) => all.map(lengthOf).every((ms, place, each) => ms > (each[place - 1] ?? 0)),
        "write them in ascending order",
      ),
  })
  .prefault({});

const lengthOf = (text: string): number => {
  const parsed = parseDuration(text);
  return parsed.ok ? parsed.value : 0;
};

export const remindersOf = ({ before, after }: z.infer<typeof chase>): Reminders => ({
  beforeMs: resolveDuration(before, {}),
  afterMs: after.map((text) => resolveDuration(text, {})),
});

type Peopled = {
  readonly channels: readonly { readonly id: string }[];
  readonly people: readonly Person[];
  readonly suppliers: readonly Supplier[];
  readonly escalation: EscalationSpec;
};

/** Whom an escalation names is there, and nobody is there twice, nor two under one name. */
export function checkPeople(
  { channels, people, suppliers, escalation: { levels } }: Peopled,
  ctx: z.RefinementCtx,
): void {
  const known = { channels: idsOf(channels), people: idsOf(people) };
  for (const [index, level] of levels.entries()) {
    for (const kind of ["channels", "people"] as const) {
      for (const [place, named] of level[kind].entries()) {
        if (known[kind].has(named)) continue;
        const message = `there is no "${named}" among ${kind}: ${[...known[kind]].join(", ") || "none"}`;
        ctx.addIssue({
          code: "custom",
          path: ["escalation", "levels", index, kind, place],
          message,
        });
      }
    }
  }
  for (const [kind, all] of Object.entries({ channels, people, suppliers })) {
    if (idsOf(all).size === all.length) continue;
    ctx.addIssue({ code: "custom", path: [kind], message: `two ${kind} have the same id` });
  }
  checkNames(people, ctx);
  for (const [chat, members] of [
    ["Slack", people.flatMap(({ slack }) => slack ?? [])],
    ["Discord", people.flatMap(({ discord }) => discord ?? [])],
  ] as const) {
    if (new Set(members).size === members.length) continue;
    const message = `two people are one member of ${chat}`;
    ctx.addIssue({ code: "custom", path: ["people"], message });
  }
}

/** The journal, and whoever counts how many people agreed, know them by it. */
function checkNames(people: Peopled["people"], ctx: z.RefinementCtx): void {
  const names = people.map(({ name }) => name.toLowerCase());
  for (const [place, { name }] of people.entries()) {
    if (names.indexOf(name.toLowerCase()) === place) continue;
    const message = `two people are called "${name}": give one of them another name`;
    ctx.addIssue({ code: "custom", path: ["people", place, "name"], message });
  }
}

const idsOf = (all: readonly { readonly id: string }[]): ReadonlySet<string> =>
  new Set(all.map((one) => one.id));
