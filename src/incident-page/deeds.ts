/** What can be done from an incident's page: each form, what may stand in it, and the command that it gives. Pure. */
import { z } from "zod";
import type { CommandOf, CommandType, MitigationId } from "../incidents/command.ts";
import { PUBLIC_STATUSES } from "../incidents/public.ts";
import { severity } from "../playbooks/schema.ts";
import { howToReach, type Person, type Supplier } from "../playbooks/site-people.ts";
import { POSTMORTEM_CHARS_MAX } from "../postmortem/text.ts";
import { parseDuration } from "../shared/duration.ts";
import { err, ok, type Result } from "../shared/result.ts";

export const WORDS_MAX = 2_000;
export const NAME_MAX = 120;
export const EXTENSIONS = ["15m", "30m", "1h", "4h"] as const;

/** A form as it was sent, field by field. */
export type Written = Readonly<Record<string, string>>;

/** What a form asks of the incident. */
export type Asked = {
  readonly [Type in CommandType]: Pick<CommandOf<Type>, "type" | "data">;
}[CommandType];

export type DeedSite = {
  readonly suppliers: readonly Supplier[];
  readonly people: readonly Pick<Person, "id" | "name">[];
};

type Deed = {
  readonly label: string;
  /** What happens, for whoever must think twice; null where nothing can go wrong. */
  readonly warning: string | null;
  /** @param name Who asks. */
  readonly read: (written: Written, name: string, site: DeedSite) => Result<Asked, string>;
};

const words = z.string().trim().min(1, "must be said").max(WORDS_MAX);
const why = z.object({ why: words });
const whyIfAny = z.string().trim().max(WORDS_MAX).default("");
const item = z
  .string()
  .regex(/^(?:[12]?\d|3[01])$/, "names no item")
  .transform(Number);
const mitigation = z
  .string()
  .regex(/^(?:lse|act)_[0-9a-f]{26}$/, "names no mitigation")
  .transform((id) => id as MitigationId);
const answer = z
  .object({ about: mitigation, why: whyIfAny })
  .transform((given) => ({ leaseId: given.about, why: given.why }));

/** A form whose fields are what its command takes. */
const deed = <Type extends CommandType>(
  label: string,
  type: Type,
  fields: z.ZodType<CommandOf<Type>["data"]>,
  warning: string | null = null,
): Deed => ({
  label,
  warning,
  read: (written) => {
    const read = fields.safeParse(written);
    if (!read.success) return err(problemOf(read.error));
    // TypeScript does not see that a command built from one type's parts is one of the union.
    return ok({ type, data: read.data } as Asked);
  },
});

const problemOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");

export const DEEDS = {
  acknowledge: deed("Acknowledge", "acknowledge", z.object({})),
  lead: {
    label: "Take lead",
    warning: null,
    read: (_written, name) => ok({ type: "take_lead", data: { lead: name } }),
  },
  approve: deed("Approve", "approve", answer, "It is done at once, in production."),
  decline: deed("Decline", "decline", answer),
  revert: deed(
    "Take it back",
    "revert",
    answer,
    "It is taken back at once, whether the harm is over or not.",
  ),
  extend: deed(
    "Keep it longer",
    "extend",
    z
      .object({ about: mitigation, by: z.enum(EXTENSIONS), why: whyIfAny })
      .transform((given) => ({ leaseId: given.about, byMs: lengthOf(given.by), why: given.why })),
  ),
  tick: deed(
    "Tick",
    "tick",
    z
      .object({ about: item, why: whyIfAny })
      .transform((given) => ({ item: given.about, why: given.why })),
  ),
  untick: deed(
    "Open again",
    "untick",
    z
      .object({ about: item, why: words })
      .transform((given) => ({ item: given.about, why: given.why })),
  ),
  note: deed("Write a note", "note", z.object({ text: words })),
  updates: deed(
    "Tell the public",
    "publish",
    z.object({
      message: words,
      status: z
        .enum(PUBLIC_STATUSES)
        .exclude(["resolved"])
        .or(z.literal("").transform(() => null)),
      component: z.null().default(null),
    }),
    "Everybody reads it on the status page: no names, addresses or secrets.",
  ),
  severity: deed("Set the severity", "set_severity", why.extend({ severity })),
  escalate: deed("Call for more people", "escalate", why),
  support: {
    label: "Say that a supplier is asked",
    warning: null,
    read(written, _name, { suppliers }) {
      const read = why.extend({ supplier: z.string() }).safeParse(written);
      if (!read.success) return err(problemOf(read.error));
      const found = suppliers.find(({ id }) => id === read.data.supplier);
      if (found === undefined) return err("the contact sheet in site.yaml has no such supplier");
      const data = { ...read.data, name: found.name, how: howToReach(found) };
      return ok({ type: "ask_support", data });
    },
  },
  "support-answer": deed(
    "Write down what a supplier answered",
    "note_support",
    z.object({ supplier: z.string().min(1).max(60), text: words }),
  ),
  "hand-over": {
    label: "Hand the lead over",
    warning: null,
    read(written, _name, { people }) {
      const read = z
        .object({ to: z.string().trim().min(1).max(NAME_MAX), note: words })
        .safeParse(written);
      if (!read.success) return err(problemOf(read.error));
      const { to, note } = read.data;
      const data = { to: people.find(({ id }) => id === to)?.name ?? to, note };
      return ok({ type: "hand_over", data });
    },
  },
  resolve: deed(
    "Resolve",
    "resolve",
    z.object({ why: whyIfAny }),
    "Whatever is in force is taken back, and the incident ends.",
  ),
  postmortem: deed(
    "Save the post-mortem",
    "save_postmortem",
    z.object({ markdown: z.string().trim().min(1, "must be said").max(POSTMORTEM_CHARS_MAX) }),
  ),
  complete: deed(
    "The post-mortem is complete",
    "complete_postmortem",
    z.object({ why: whyIfAny.transform((text) => (text === "" ? undefined : text)) }),
  ),
  reopen: deed("Reopen", "reopen", why),
} as const satisfies Readonly<Record<string, Deed>>;

export type DeedName = keyof typeof DEEDS;
export const deedNamed = (name: string): Deed | null =>
  Object.hasOwn(DEEDS, name) ? DEEDS[name as DeedName] : null;

function lengthOf(text: string): number {
  const read = parseDuration(text);
  return read.ok ? read.value : 0;
}
