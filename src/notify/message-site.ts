/** What of `site.yaml` an incident and its messages need. */
import { escalationOf, USUAL_ESCALATION, type Escalation } from "../incidents/escalation.ts";
import type { Person } from "../playbooks/site-people.ts";
import type { SiteSpec } from "../playbooks/site.ts";

export type MessageSite = {
  readonly title: string;
  readonly channels: readonly Pick<SiteSpec["channels"][number], "id" | "severities">[];
  readonly escalation: Escalation;
  readonly people: readonly Person[];
  /** Where the guard answers, such as `https://shop.example`; null leaves links as paths. */
  readonly url: string | null;
};

export const messageSiteOf = (
  { title, channels, escalation, people }: SiteSpec,
  url: string | null,
): MessageSite => ({ title, channels, escalation: escalationOf(escalation), people, url });

/** One of which nothing else is said. */
export const plainSite = (
  said: Pick<MessageSite, "title" | "channels" | "url"> & Partial<MessageSite>,
): MessageSite => ({ escalation: USUAL_ESCALATION, people: [], ...said });
