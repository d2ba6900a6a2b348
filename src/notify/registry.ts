/** Every kind of channel, by the `kind` that `site.yaml` writes. */
import { cloudflareEmail } from "./channels/cloudflare-email.ts";
import { discord } from "./channels/discord.ts";
import { githubIssues } from "./channels/github-issues.ts";
import { goalert } from "./channels/goalert.ts";
import { jira } from "./channels/jira.ts";
import { linear } from "./channels/linear.ts";
import { opsgenie } from "./channels/opsgenie.ts";
import { pagerduty } from "./channels/pagerduty.ts";
import { resend } from "./channels/resend.ts";
import { slack } from "./channels/slack.ts";
import { slackWebhook } from "./channels/slack-webhook.ts";
import { teams } from "./channels/teams.ts";
import { webhook } from "./channels/webhook.ts";
import { betterStack } from "./public/better-stack.ts";
import { instatus } from "./public/instatus.ts";
import { resendBroadcast } from "./public/resend-broadcast.ts";
import { statuspage } from "./public/statuspage.ts";
import type { Chat } from "./chat.ts";
import { discordChat } from "./chats/discord.ts";
import { slackChat } from "./chats/slack.ts";

export const channels = {
  [cloudflareEmail.id]: cloudflareEmail,
  [discord.id]: discord,
  [githubIssues.id]: githubIssues,
  [goalert.id]: goalert,
  [jira.id]: jira,
  [linear.id]: linear,
  [opsgenie.id]: opsgenie,
  [pagerduty.id]: pagerduty,
  [resend.id]: resend,
  [slack.id]: slack,
  [slackWebhook.id]: slackWebhook,
  [teams.id]: teams,
  [webhook.id]: webhook,
} as const;

export type ChannelKind = keyof typeof channels;
export const isChannelKind = (kind: string): kind is ChannelKind => Object.hasOwn(channels, kind);

/** What the public reads elsewhere, by the `kind` that `site.yaml` writes. */
export const publicChannels = {
  [betterStack.id]: betterStack,
  [instatus.id]: instatus,
  [resendBroadcast.id]: resendBroadcast,
  [statuspage.id]: statuspage,
} as const;

export type PublicChannelKind = keyof typeof publicChannels;
export const isPublicChannelKind = (kind: string): kind is PublicChannelKind =>
  Object.hasOwn(publicChannels, kind);

/** The chats whose buttons are heard, by the kind of their channel. */
export const chats: ReadonlyMap<string, Chat> = new Map(
  [discordChat, slackChat].map((chat) => [chat.id, chat]),
);
