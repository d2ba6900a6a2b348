/** What of `site.yaml` an incident and its messages need. */
import { USUAL_REMINDERS, type Reminders } from "../incidents/chase.ts";
import { escalationOf, USUAL_ESCALATION, type Escalation } from "../incidents/escalation.ts";
import { USUAL_THROTTLE, type Throttle } from "./bundle.ts";
import { resolveDuration } from "../playbooks/params.ts";
import type { Routed } from "../playbooks/site-channels.ts";
import { remindersOf, type Person } from "../playbooks/site-people.ts";
import { USUAL_TEMPLATES } from "../playbooks/site-templates.ts";
import type { SiteSpec } from "../playbooks/site.ts";

export type MessageSite = {
  readonly title: string;
  readonly channels: readonly Routed[];
  /** Where the public reads of it beside our own page. */
  readonly publicChannels: readonly Pick<SiteSpec["public_channels"][number], "id">[];
  readonly escalation: Escalation;
  readonly people: readonly Person[];
  /** How a message to the site's own people begins. */
  readonly internal: string;
  /** How often people are promised something new; null: nobody promised it. */
  readonly updateEveryMs: number | null;
  /** How much news that wakes nobody a channel hears at once. */
  readonly throttle: Throttle;
  /** When whoever owes a post-mortem, or something in it, is reminded. */
  readonly reminders: Reminders;
  /** Where the guard answers, such as `https://shop.example`; null leaves links as paths. */
  readonly url: string | null;
};

export const messageSiteOf = (
  {
    title,
    channels,
    public_channels,
    escalation,
    people,
    templates,
    update_every,
    chase,
    throttle,
  }: SiteSpec,
  url: string | null,
): MessageSite => ({
  title,
  channels,
  publicChannels: public_channels,
  escalation: escalationOf(escalation),
  people,
  internal: templates.internal,
  updateEveryMs: resolveDuration(update_every, {}),
  reminders: remindersOf(chase),
  throttle: { atOnceMax: throttle.at_once, withinMs: resolveDuration(throttle.within, {}) },
  url,
});

/** One of which nothing else is said. */
export const plainSite = (
  said: Pick<MessageSite, "title" | "channels" | "url"> & Partial<MessageSite>,
): MessageSite => ({
  publicChannels: [],
  escalation: USUAL_ESCALATION,
  people: [],
  internal: USUAL_TEMPLATES.internal,
  updateEveryMs: null,
  reminders: USUAL_REMINDERS,
  throttle: USUAL_THROTTLE,
  ...said,
});
