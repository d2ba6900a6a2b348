/** What a public channel is told of an incident: what our own page says of it, and no more. Pure. */
import type { IncidentView } from "../incidents/view.ts";
import { resolveDuration } from "../playbooks/params.ts";
import { fill } from "../playbooks/site-templates.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import { assert } from "../shared/assert.ts";
import { clip } from "../shared/clip.ts";
import { incidentTitle, TROUBLES } from "../status-page/statuspage.ts";
import { EVERY_COMPONENT, publish, withdrawn, type PublicIncident } from "../status-page/view.ts";
import { factFields } from "../status-page/facts.ts";
import { componentName, promised, publicWordsOf } from "../status-page/words.ts";
import type { PublicMessage } from "./public-channel.ts";

/** What every vendor takes. */
const TITLE_CHARS_MAX = 120;
const NEWS_CHARS_MAX = 2_000;
const MAIL_SUBJECT_CHARS_MAX = 200;

export type PublicSite = Pick<
  SiteSpec,
  "title" | "components" | "templates" | "update_every" | "public_channels"
>;

/** @param pageUrl Where people find our status page, or the one that the site names. */
export function publicMessage(
  { view, ref }: { readonly view: IncidentView; readonly ref: string | null },
  channel: string,
  site: PublicSite,
  pageUrl: string,
): PublicMessage {
  const wordsOf = publicWordsOf(site);
  const incident = publish(view, wordsOf) ?? withdrawn(view, wordsOf);
  const [first, ...more] = incident.updates.map((news) => ({
    ...news,
    message: clip(news.message, NEWS_CHARS_MAX),
  }));
  assert(first !== undefined, "an incident that is public has said something");
  return {
    incidentId: incident.id,
    title: clip(incidentTitle(incident, site), TITLE_CHARS_MAX),
    status: incident.status,
    impact: incident.impact,
    startedAtMs: incident.startedAtMs,
    updates: [first, ...more],
    components: touched(incident, channel, site),
    mail: mailOf(incident, view, site, pageUrl),
    ref,
  };
}

/** By the names that they have there; what has none there is not told of. */
function touched({ component }: PublicIncident, channel: string, site: PublicSite): string[] {
  const names = site.public_channels.find(({ id }) => id === channel)?.components ?? {};
  return Object.entries(names).flatMap(([id, name]) =>
    component === EVERY_COMPONENT || component === id ? [name] : [],
  );
}

function mailOf(
  { component, impact, updates }: PublicIncident,
  { updates: known = [], anchors }: IncidentView,
  site: PublicSite,
  pageUrl: string,
): PublicMessage["mail"] {
  const { subject, body } = site.templates.customer;
  const [first] = updates;
  const last = known.at(-1) ?? updates.at(-1);
  assert(
    first !== undefined && last !== undefined,
    "an incident that is public has said something",
  );
  const values = {
    site: site.title,
    component: componentName(component, site),
    trouble: TROUBLES[impact],
    message: clip(first.message, NEWS_CHARS_MAX),
    status_page: pageUrl,
    every: promised(site),
    ...factFields(last, anchors.onsetAtMs, resolveDuration(site.update_every, {})),
  };
  return {
    subject: clip(fill<"customer">(subject, values), MAIL_SUBJECT_CHARS_MAX),
    body: fill<"customer">(body, values),
  };
}
