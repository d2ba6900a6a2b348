/** The port every channel implements: one file in `channels/`, one line in `registry.ts`. */
import type { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import type { Person } from "../playbooks/site-people.ts";
import type { Severity } from "../playbooks/schema.ts";
import { err, type Result } from "../shared/result.ts";
import type { Button } from "./buttons.ts";

/** How an incident stands, as far as whoever gets its messages must know. */
export const MESSAGE_STATES = ["open", "acknowledged", "resolved"] as const;
export type MessageState = (typeof MESSAGE_STATES)[number];

/** What the subject of a drill's messages begins with. */
export const DRILL_PREFIX = "Drill: ";

/** One message to one channel. The same `deliveryId` is the same message, however often it is sent. */
export type ChannelMessage = {
  readonly deliveryId: string;
  readonly incidentId: string;
  readonly instance: string;
  /** The message's key, such as `opened`. */
  readonly message: string;
  readonly subject: string;
  /** Plain text: paragraphs of many lines, with an empty line between them. */
  readonly body: string;
  /** The incident's title. */
  readonly title: string;
  /** What is new, in one sentence. */
  readonly news: string;
  /** The incident's when the message was asked for, as is its state. */
  readonly severity: Severity;
  readonly state: MessageState;
  /** Where the incident is looked at; null when nobody configured where the guard answers. */
  readonly link: string | null;
  /** Whom it asks, by their ids in `site.yaml`. */
  readonly people: readonly string[];
  /** The keys of the messages that waited and are told in this one. */
  readonly bundled?: readonly string[];
  /** What can be done about it from here, as the incident is now. */
  readonly buttons: readonly Button[];
  /** What the receipt of this channel's last message about this incident called it; null before the first. */
  readonly ref: string | null;
  /** When an earlier attempt was begun, of which nobody knows what became: it may have arrived. Null: this is the first. */
  readonly triedAtMs: number | null;
};

/** One mail as Cloudflare's binding takes it: to at most 50 addresses. */
export type Mail = {
  readonly from: { readonly email: string; readonly name: string };
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
};

/** What a channel may reach, handed in by the shell. */
export type ChannelReach = {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Cloudflare's e-mail binding; undefined where the Worker has none. Throws with a `code` when it will not. */
  readonly mail?: ((mail: Mail) => Promise<unknown>) | undefined;
  /** Whom `site.yaml` knows, for chats that call people by their own ids; absent where nobody can be called. */
  readonly people?: readonly Member[];
  readonly atMs: number;
  /** How long one attempt may take. */
  readonly deadlineMs: number;
};

/** Somebody, as chats know them. */
export type Member = Pick<Person, "id" | "slack" | "discord">;

/** Of more that a message asks, the text alone tells. */
export const MENTIONS_MAX = 20;

/** What a chat calls those whom the message asks; who is not known there is asked by the text alone. */
export const mentioned = (
  { people }: Pick<ChannelMessage, "people">,
  { people: known = [] }: Pick<ChannelReach, "people">,
  chat: "slack" | "discord",
): readonly string[] =>
  people.flatMap((id) => known.find((one) => one.id === id)?.[chat] ?? []).slice(0, MENTIONS_MAX);

/** Proof that the other side took it; for the journal, so nothing secret. */
export type Receipt = {
  readonly status: number;
  /** What the other side calls what it made of it, at most `REF_CHARS_MAX` characters: handed to the incident's next message. */
  readonly ref?: string;
  /** Where people look at that, of a ticket, at most `URL_CHARS_MAX` characters. */
  readonly url?: string;
  /** What customers were mailed: that it began, or that it is over. Absent of a draft that waits for a person. */
  readonly mailed?: "begin" | "end";
};
export const REF_CHARS_MAX = 200;
export const URL_CHARS_MAX = 500;

type ChannelDefinition<Id extends string, Secret, Message> = {
  readonly id: Id;
  /** What of the reach it cannot be without. */
  readonly needs?: "mail";
  /** Checks the parsed JSON of the secret that `site.yaml` names. */
  readonly secret: z.ZodType<Secret>;
  /** Tries once. Failures are classified and name neither the destination nor the key; the engine retries. */
  readonly send: (
    message: Message,
    secret: Secret,
    reach: ChannelReach,
  ) => Promise<Result<Receipt, Failure>>;
};

/** Something with a secret of its own that messages of one form are sent to. */
export type ChannelWith<Message, Id extends string = string> = {
  readonly id: Id;
  readonly needs: "mail" | null;
  /** What is wrong with a secret, by field and never by value; none when it is right. */
  readonly problemsWith: (secret: unknown) => readonly string[];
  readonly deliver: (
    message: Message,
    secret: unknown,
    reach: ChannelReach,
  ) => Promise<Result<Receipt, Failure>>;
};
export type Channel<Id extends string = string> = ChannelWith<ChannelMessage, Id>;

export const defineChannel = <const Id extends string, Secret>(
  definition: ChannelDefinition<Id, Secret, ChannelMessage>,
): Channel<Id> => channelWith(definition);

/** Keeps the id literal and the secret's type inside, so that channels with different secrets stand in one registry. */
export function channelWith<const Id extends string, Secret, Message>(
  definition: ChannelDefinition<Id, Secret, Message>,
): ChannelWith<Message, Id> {
  const problemsWith = (secret: unknown): readonly string[] => {
    const parsed = definition.secret.safeParse(secret);
    return parsed.success ? [] : parsed.error.issues.map(problem);
  };
  return {
    id: definition.id,
    needs: definition.needs ?? null,
    problemsWith,
    async deliver(message, secret, reach) {
      const parsed = definition.secret.safeParse(secret);
      if (parsed.success) return definition.send(message, parsed.data, reach);
      const detail = `the channel's secret is not as it should be: ${problemsWith(secret).join("; ")}`;
      return err({ class: "refuse", detail });
    },
  };
}

/** Keys of a secret may be secrets too: only how many there are too many is said. */
function problem(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") return `${issue.keys.length} unknown field(s)`;
  const field = issue.path.join(".");
  return field === "" ? issue.message : `${field}: ${issue.message}`;
}
