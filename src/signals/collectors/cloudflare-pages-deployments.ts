/** Was it a build of the site? The Pages project's latest production builds, of which commit and how long before the harm. */
import { readLivePages, readPagesDeployments } from "../../platform/cloudflare-pages.ts";
import { ok } from "../../shared/result.ts";
import { agoText, refuse, refuseMissing } from "./cloudflare-missing.ts";
import { defineCollector } from "./collector.ts";

const LISTED_MAX = 10;

export const cloudflarePagesDeployments = defineCollector({
  id: "cloudflare-pages-deployments",

  async collect({ cloudflare, onsetAtMs }) {
    if (cloudflare === null) return refuseMissing();
    const { api, pagesProject } = cloudflare;
    if (pagesProject === null) return refuse("CLOUDFLARE_PAGES_PROJECT is not set");
    const live = await readLivePages(api, pagesProject);
    if (!live.ok) return live;
    const builds = await readPagesDeployments(api, pagesProject);
    if (!builds.ok) return builds;
    return ok({
      summary:
        live.value === null
          ? `${pagesProject} was never deployed`
          : `${pagesProject} serves ${live.value.commit || "a build"}, made ${agoText(live.value.createdAtMs, onsetAtMs)}`,
      facts: {
        project: pagesProject,
        live: live.value?.id ?? null,
        builds: builds.value.slice(0, LISTED_MAX).map((one) => ({
          id: one.id,
          atMs: one.createdAtMs,
          beforeOnsetMs: onsetAtMs - one.createdAtMs,
          commit: one.commit,
          branch: one.branch,
          isBuilt: one.isBuilt,
        })),
      },
    });
  },
});
