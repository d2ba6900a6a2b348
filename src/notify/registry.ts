/** Every kind of channel, by the `kind` that `site.yaml` writes. */
import { webhook } from "./channels/webhook.ts";

export const channels = { [webhook.id]: webhook } as const;

export type ChannelKind = keyof typeof channels;
export const isChannelKind = (kind: string): kind is ChannelKind => Object.hasOwn(channels, kind);
