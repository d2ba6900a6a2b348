/** The part of `site.yaml` about what the public reads elsewhere: status pages at vendors, and mail to customers. */
import { z } from "zod";
import { id } from "./site-words.ts";

export const PUBLIC_CHANNELS_MAX = 4;
const COMPONENTS_MAX = 32;

/** The name of the secret that holds a channel's destination and key; never the secret itself. */
export const channelSecret = z
  .string()
  .regex(/^CHANNEL_[A-Z0-9_]+$/)
  .max(60);

export const publicChannel = z.strictObject({
  id,
  kind: id.describe("A public channel's kind from the registry, such as statuspage"),
  secret: channelSecret,
  /** Where people read it: our page says so, because what takes ours away may leave that one. */
  url: z
    .url({ protocol: /^https$/ })
    .max(300)
    .optional(),
  /** What each of our components is called there, by our id. */
  components: z
    .record(id, z.string().regex(/^[\w-]{1,60}$/, "write the id that it has there"))
    .refine((all) => Object.keys(all).length <= COMPONENTS_MAX, `at most ${COMPONENTS_MAX}`)
    .default({}),
});
export type PublicChannelSpec = z.infer<typeof publicChannel>;

type Published = {
  readonly components: readonly { readonly id: string }[];
  readonly public_channels: readonly PublicChannelSpec[];
};

/** What is mapped is there, and no channel is there twice. */
export function checkPublicChannels(
  { components, public_channels: channels }: Published,
  ctx: z.RefinementCtx,
): void {
  const known = components.map((component) => component.id);
  for (const [place, channel] of channels.entries()) {
    for (const named of Object.keys(channel.components)) {
      if (known.includes(named)) continue;
      const message = `there is no "${named}" among components: ${known.join(", ") || "none"}`;
      const path = ["public_channels", place, "components", named];
      ctx.addIssue({ code: "custom", path, message });
    }
  }
  if (new Set(channels.map((channel) => channel.id)).size === channels.length) return;
  const message = "two public_channels have the same id";
  ctx.addIssue({ code: "custom", path: ["public_channels"], message });
}
