/** What Cloudflare says about itself. Anything but a clear answer is unknown: a refusal is neither up nor down. */
import { STATUS_URL_TIMEOUT_MS, STATUS_URLS_MAX } from "../../platform/status-page.ts";
import { defineSource } from "../source.ts";

/** Announced maintenance is not an incident. */
const LEVELS = { none: 0, maintenance: 0, minor: 1, major: 2, critical: 3 } as const;

export const cloudflare = defineSource({
  id: "cloudflare",
  emits: ["cloudflare.impact_level"],
  everyMs: { idle: 300_000, busy: 300_000, alert: 60_000 },
  deadlineMs: STATUS_URLS_MAX * STATUS_URL_TIMEOUT_MS + 500,

  async poll({ cloudflareStatus, signal }) {
    if (cloudflareStatus === null) {
      const detail = "CLOUDFLARE_STATUS_URLS is not set";
      return { "cloudflare.impact_level": { unknown: "not_configured", detail } };
    }
    const status = await cloudflareStatus.status(signal);
    return {
      "cloudflare.impact_level": status.ok
        ? { value: LEVELS[status.value.indicator] }
        : { unknown: status.error.kind, detail: status.error.detail },
    };
  },
});
