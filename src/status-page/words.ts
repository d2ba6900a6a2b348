/** How statuses read to people. */
import type { PublicStatus } from "../incidents/public.ts";
import { resolveDuration } from "../playbooks/params.ts";
import { fill } from "../playbooks/site-templates.ts";
import type { SiteSpec } from "../playbooks/site.ts";
import { factFields } from "./facts.ts";
import { EVERY_COMPONENT, type ComponentStatus, type PublicWords } from "./view.ts";

export const COMPONENT_WORDS: Readonly<Record<ComponentStatus, string>> = {
  operational: "Operational",
  degraded_performance: "Degraded performance",
  partial_outage: "Partial outage",
  major_outage: "Major outage",
  under_maintenance: "Under maintenance",
  unknown: "Unknown",
};

export const STATUS_WORDS: Readonly<Record<PublicStatus, string>> = {
  investigating: "Investigating",
  identified: "Identified",
  monitoring: "Monitoring",
  resolved: "Resolved",
};

/** What a component is called; every one of them together is the site. */
export const componentName = (
  component: string,
  {
    title,
    components,
  }: {
    readonly title: string;
    readonly components: readonly { readonly id: string; readonly name: string }[];
  },
): string =>
  component === EVERY_COMPONENT
    ? title
    : (components.find(({ id }) => id === component)?.name ?? component);

/** How often something new is promised: `30 minutes`. */
export function promised({ update_every: every }: Pick<SiteSpec, "update_every">): string {
  const minutes = Math.round(resolveDuration(every, {}) / 60_000);
  return minutes === 1 ? "minute" : `${minutes} minutes`;
}

/** What an update says where no person does: the playbook's words or the site's for its status, and what is known of the harm. */
export function publicWordsOf(
  site: Pick<SiteSpec, "title" | "components" | "templates" | "update_every">,
): PublicWords {
  const { external } = site.templates;
  const everyMs = resolveDuration(site.update_every, {});
  return (update, { component, own, onsetAtMs }) => {
    const fields = {
      site: site.title,
      component: componentName(component, site),
      every: promised(site),
      ...factFields(update, onsetAtMs, everyMs),
    };
    const tail = update.status === "resolved" ? external.lasted : external.impact;
    // A view that was kept before they were says what it said.
    const known = update.facts === undefined || tail === null ? [] : [tail];
    return [own ?? fill<"external">(external[update.status], fields)]
      .concat(known.map((template) => fill<"external">(template, fields)))
      .join(" ");
  };
}
