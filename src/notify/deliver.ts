/** From a journaled message to its channel: finds the channel, its kind and its secret, and tries once. */
import type { Failure } from "../incidents/journal.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import { parseJson } from "../shared/json.ts";
import { err, type Result } from "../shared/result.ts";
import type { ChannelMessage, ChannelReach, Receipt } from "./channel.ts";
import { channels, isChannelKind } from "./registry.ts";

/** One attempt may take this long; the outbox decides whether there is another. */
export const DELIVERY_DEADLINE_MS = 10_000;

export type DeliveryContext = {
  readonly channels: SiteSpec["channels"];
  /** A secret's text by the name that `site.yaml` gives, undefined when it was never set. */
  readonly secret: (name: string) => string | undefined;
  readonly fetch: ChannelReach["fetch"];
  readonly atMs: number;
};

/**
 * Sends `message` to the channel with this id.
 *
 * Refused, for a person to mend: a channel that `site.yaml` does not have, a kind that does not exist, a secret that is
 * missing or malformed, and whatever the channel itself refuses.
 */
export async function deliver(
  channelId: string,
  message: ChannelMessage,
  context: DeliveryContext,
): Promise<Result<Receipt, Failure>> {
  const channel = context.channels.find((candidate) => candidate.id === channelId);
  if (channel === undefined) return refused(`site.yaml has no channel ${channelId}`);
  if (!isChannelKind(channel.kind)) {
    return refused(`channel ${channelId} is of kind ${channel.kind}, which does not exist`);
  }
  const text = context.secret(channel.secret);
  if (text === undefined) return refused(`the secret ${channel.secret} is not set`);
  const secret = parseJson(text);
  if (secret === undefined) return refused(`the secret ${channel.secret} is not JSON`);
  return channels[channel.kind].deliver(message, secret, {
    fetch: context.fetch,
    atMs: context.atMs,
    deadlineMs: DELIVERY_DEADLINE_MS,
  });
}

const refused = (detail: string): Result<Receipt, Failure> => err({ class: "refuse", detail });
