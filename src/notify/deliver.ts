/** From a journaled message to its channel: finds the channel, its kind and its secret, and tries once. */
import type { Failure } from "../incidents/journal.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import { parseJson } from "../shared/json.ts";
import { err, type Result } from "../shared/result.ts";
import type { ChannelMessage, ChannelReach, ChannelWith, Receipt } from "./channel.ts";
import type { PublicMessage } from "./public-channel.ts";
import { channels, isChannelKind, isPublicChannelKind, publicChannels } from "./registry.ts";

/** One attempt may take this long; the outbox decides whether there is another. */
export const DELIVERY_DEADLINE_MS = 10_000;

export type DeliveryContext = {
  readonly channels: readonly Pick<SiteSpec["channels"][number], "id" | "kind" | "secret">[];
  /** A secret's text by the name that `site.yaml` gives, undefined when it was never set. */
  readonly secret: (name: string) => string | undefined;
  readonly fetch: ChannelReach["fetch"];
  readonly mail?: ChannelReach["mail"];
  readonly people?: ChannelReach["people"];
  readonly atMs: number;
};

/**
 * Sends `message` to the channel with this id.
 *
 * Refused, for a person to mend: a channel that `site.yaml` does not have, a kind that does not exist, a secret that is
 * missing or malformed, and whatever the channel itself refuses.
 */
export const deliver = (
  channelId: string,
  message: ChannelMessage,
  context: DeliveryContext,
): Promise<Result<Receipt, Failure>> =>
  deliverBy((kind) => (isChannelKind(kind) ? channels[kind] : null), channelId, message, context);

/** The same for what the public reads elsewhere. */
export const deliverPublic = (
  channelId: string,
  message: PublicMessage,
  context: DeliveryContext,
): Promise<Result<Receipt, Failure>> =>
  deliverBy(
    (kind) => (isPublicChannelKind(kind) ? publicChannels[kind] : null),
    channelId,
    message,
    context,
  );

async function deliverBy<Message>(
  ofKind: (kind: string) => ChannelWith<Message> | null,
  channelId: string,
  message: Message,
  context: DeliveryContext,
): Promise<Result<Receipt, Failure>> {
  const channel = context.channels.find((candidate) => candidate.id === channelId);
  if (channel === undefined) return refused(`site.yaml has no channel ${channelId}`);
  const kind = ofKind(channel.kind);
  if (kind === null) {
    return refused(`channel ${channelId} is of kind ${channel.kind}, which does not exist`);
  }
  const text = context.secret(channel.secret);
  if (text === undefined) return refused(`the secret ${channel.secret} is not set`);
  const secret = parseJson(text);
  if (secret === undefined) return refused(`the secret ${channel.secret} is not JSON`);
  return kind.deliver(message, secret, {
    fetch: context.fetch,
    mail: context.mail,
    ...(context.people === undefined ? {} : { people: context.people }),
    atMs: context.atMs,
    deadlineMs: DELIVERY_DEADLINE_MS,
  });
}

const refused = (detail: string): Result<Receipt, Failure> => err({ class: "refuse", detail });
