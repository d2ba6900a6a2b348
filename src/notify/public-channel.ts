/**
 * The port of what the public reads elsewhere, such as a status page at a vendor's: one file in `public/`, one line in `registry.ts`.
 * Nothing goes there that our own status page does not say.
 */
import type { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import type { PublicStatus } from "../incidents/public.ts";
import { sha256Hex } from "../shared/ids.ts";
import type { Result } from "../shared/result.ts";
import { worstOf, type Impact, type PublicNews } from "../status-page/view.ts";
import { channelWith, type ChannelReach, type ChannelWith, type Receipt } from "./channel.ts";

/** An incident as the public is to know it now. The other side is brought to that, from wherever an attempt before left it. */
export type PublicMessage = {
  readonly incidentId: string;
  /** As the status page calls it: `Website: major outage`. */
  readonly title: string;
  readonly status: PublicStatus;
  readonly impact: Impact;
  readonly startedAtMs: number;
  /** Oldest first; at least one. */
  readonly updates: readonly [PublicNews, ...PublicNews[]];
  /** What it touches, by the names that `site.yaml` says the other side has for it. */
  readonly components: readonly string[];
  /** What customers are written where that is an e-mail. */
  readonly mail: { readonly subject: string; readonly body: string };
  /** What the last receipt of this channel called it; null before the first. */
  readonly ref: string | null;
};

export type PublicChannel<Id extends string = string> = ChannelWith<PublicMessage, Id>;

export const definePublicChannel = <const Id extends string, Secret>(definition: {
  readonly id: Id;
  readonly secret: z.ZodType<Secret>;
  readonly send: (
    message: PublicMessage,
    secret: Secret,
    reach: ChannelReach,
  ) => Promise<Result<Receipt, Failure>>;
}): PublicChannel<Id> => channelWith(definition);

/** Of those that the other side lacks, as many are said at once; of more, the newest. */
export const UPDATES_AT_ONCE_MAX = 5;

/** What the other side has not heard yet, given which it has. */
export const unsaid = (
  { updates }: PublicMessage,
  isThere: (news: PublicNews, place: number) => boolean,
): readonly PublicNews[] => {
  const last = updates.findLastIndex(isThere);
  return updates.slice(last + 1).slice(-UPDATES_AT_ONCE_MAX);
};

/** Another incident that is open there. */
export type Other = { readonly impact: Impact; readonly components: readonly string[] };

/** How each component stands: none is better than what is open there lets it be, whoever opened that. Null: nothing is known against it. */
export const standing = (
  { components, status, impact }: PublicMessage,
  others: readonly Other[],
): readonly { readonly id: string; readonly impact: Impact | null }[] =>
  components.map((id) => {
    const open = others.filter((other) => other.components.includes(id));
    return { id, impact: worstOf(status === "resolved" ? open : [{ impact }, ...open]) };
  });

/**
 * Where a vendor keeps nothing of ours beside what the public reads, a time is our mark: to the second it is when it was, and its
 * thousandths follow from the id.
 */
export const markedTime = (atMs: number, id: string): string => {
  const thousandths = Number.parseInt(sha256Hex(id).slice(0, 8), 16) % 1_000;
  return new Date(Math.floor(atMs / 1_000) * 1_000 + thousandths).toISOString();
};

export const isSameTime = (one: string, other: string): boolean =>
  Date.parse(one) === Date.parse(other);
