/** Is it Cloudflare? Its components that are not operational and its open incidents, by its own account. */
import { defineCollector } from "./collector.ts";
import { err, ok } from "../../shared/result.ts";

const LISTED_MAX = 20;
const NAME_CHARACTERS_MAX = 120;

/** Some data centre is nearly always being re-routed or maintained; that is listed after what is broken. */
const STATUS_ORDER = [
  "major_outage",
  "partial_outage",
  "degraded_performance",
  "under_maintenance",
] as const;

export const cloudflareStatus = defineCollector({
  id: "cloudflare-status",

  async collect({ cloudflareStatus: page, signal }) {
    if (page === null) return err({ class: "refuse", detail: "CLOUDFLARE_STATUS_URLS is not set" });
    const summary = await page.summary(signal);
    if (!summary.ok) {
      const { kind, detail } = summary.error;
      return err({ class: "retry", detail: `the status page did not help: ${kind}, ${detail}` });
    }
    const troubled = summary.value.components
      .filter(({ status }) => status !== "operational")
      .toSorted((a, b) => rank(a.status) - rank(b.status));
    const { incidents } = summary.value;
    return ok({
      summary: `Cloudflare says: ${summary.value.status.description}; ${troubled.length} components not operational, ${incidents.length} open incidents`,
      facts: {
        indicator: summary.value.status.indicator,
        components: troubled
          .slice(0, LISTED_MAX)
          .map(({ name, status }) => ({ name: short(name), status: short(status) })),
        incidents: incidents.slice(0, LISTED_MAX).map(({ name, impact, status }) => ({
          name: short(name),
          impact: short(impact),
          status: short(status),
        })),
      },
    });
  },
});

function rank(status: string): number {
  const place = STATUS_ORDER.findIndex((known) => known === status);
  return place === -1 ? STATUS_ORDER.length : place;
}

const short = (text: string): string => text.slice(0, NAME_CHARACTERS_MAX);
