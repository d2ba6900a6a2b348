/**
 * Trackers: one ticket per incident, a comment for each piece of news, closed with the incident. None has an idempotency key, so
 * what may have arrived is looked for before it is written again.
 */
import type { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { ok, type Result } from "../shared/result.ts";
import { asking, type Ask } from "./ask.ts";
import { defineChannel, type Channel, type ChannelMessage, type Receipt } from "./channel.ts";

/** What a tracker calls a ticket; no colon in it. */
export type TicketKey = string;

export type Ticket = {
  readonly key: TicketKey;
  /** Where people look at it; null where the tracker does not say. */
  readonly url: string | null;
};

/** One tracker, as far as an incident needs it. Each part tries once. */
export type Tracker = {
  /** The incident's ticket, should an attempt that nobody heard of again have made it. */
  readonly find: (message: ChannelMessage) => Promise<Result<Ticket | null, Failure>>;
  readonly open: (
    message: ChannelMessage,
  ) => Promise<Result<Ticket & { readonly status: number }, Failure>>;
  /** Is this message there, as the ticket itself or as a comment? Asked of what was begun before. */
  readonly hasArrived: (
    message: ChannelMessage,
    key: TicketKey,
  ) => Promise<Result<boolean, Failure>>;
  readonly comment: (message: ChannelMessage, key: TicketKey) => Promise<Result<unknown, Failure>>;
  /** What stands so already is left as it is. */
  readonly move: (
    key: TicketKey,
    to: "open" | "closed",
    message: ChannelMessage,
  ) => Promise<Result<unknown, Failure>>;
};

const CLOSED = "closed";

/** A channel whose messages are a ticket; `tracker` gets the checked secret, and when it is. */
export const defineTickets = <const Id extends string, Secret>(definition: {
  readonly id: Id;
  readonly secret: z.ZodType<Secret>;
  readonly tracker: (secret: Secret, ask: Ask, atMs: number) => Tracker;
}): Channel<Id> =>
  defineChannel({
    id: definition.id,
    secret: definition.secret,

    async send(message, secret, reach) {
      const tracker = definition.tracker(secret, asking(reach), reach.atMs);
      const known = await keyOf(message, tracker);
      if (!known.ok) return known;
      if (known.value === null) {
        const opened = await tracker.open(message);
        if (!opened.ok) return opened;
        const { status, key, url } = opened.value;
        return ok({ status, ref: key, ...placed(url) });
      }
      const { ref, url } = known.value;
      const [key = "", wasClosed] = ref.split(":");
      const told = await tell(message, key, tracker);
      if (!told.ok) return told;
      const isOver = message.state === "resolved";
      // Whoever closes it by hand is left alone; what ended and began again is opened.
      if (isOver || wasClosed !== undefined) {
        const moved = await tracker.move(key, isOver ? "closed" : "open", message);
        if (!moved.ok) return moved;
      }
      return ok({ status: 200, ref: isOver ? `${key}:${CLOSED}` : key, ...placed(url) });
    },
  });

const placed = (url: string | null): Pick<Receipt, "url"> => (url === null ? {} : { url });

async function keyOf(
  message: ChannelMessage,
  tracker: Tracker,
): Promise<Result<{ readonly ref: string; readonly url: string | null } | null, Failure>> {
  if (message.ref !== null) return ok({ ref: message.ref, url: null });
  if (message.triedAtMs === null) return ok(null);
  const found = await tracker.find(message);
  return found.ok ? ok(found.value && { ref: found.value.key, url: found.value.url }) : found;
}

async function tell(
  message: ChannelMessage,
  key: TicketKey,
  tracker: Tracker,
): Promise<Result<unknown, Failure>> {
  const isThere = message.triedAtMs === null ? ok(false) : await tracker.hasArrived(message, key);
  return !isThere.ok || isThere.value ? isThere : tracker.comment(message, key);
}

/** In a fence longer than any inside, Markdown of others is shown as it is: it mentions nobody, and links nowhere. */
export function fenced(text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}text\n${text}\n${fence}`;
}
