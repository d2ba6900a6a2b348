/** Puts the Pages project back to the newest earlier production build, when what is live was built shortly before the harm began. */
import { z } from "zod";
import {
  readLivePages,
  readPagesDeployments,
  rollBackPages,
  type PagesDeployment,
} from "../../platform/cloudflare-pages.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { utcTime } from "../../shared/utc.ts";
import { defineAct, type CloudflareReach, type Reach } from "../actuator.ts";
import { deployedWithin, notTheCause } from "../deployed-before.ts";
import { notApplicable } from "../not-applicable.ts";

const options = z.strictObject({ deployed_within: deployedWithin });
const judged = z.object({ project: z.string(), liveId: z.string(), targetId: z.string() });

export const rollbackPages = defineAct({
  id: "rollback-pages",
  kind: "act",
  options,
  judged,
  traits: { siteWide: true },
  plan: () => ({
    siteWide: true,
    touches: "every visitor: they get the build of the site that was live before the last one",
  }),
  missing: ({ cloudflare }) => missing(cloudflare),

  async judge({ onsetAtMs, options: { deployed_within: within } }, reach) {
    const target = targetOf(reach);
    if (!target.ok) return target;
    const { api, project } = target.value;
    const live = await readLivePages(api, project);
    if (!live.ok) return live;
    if (live.value === null) return refuse(`${project} was never deployed`);
    const { id, createdAtMs } = live.value;
    const builds = await readPagesDeployments(api, project);
    if (!builds.ok) return builds;
    if (builds.value[0]?.id !== id) return notApplicable("what is live is a rollback already");
    const obstacle = notTheCause({ createdAtMs, onsetAtMs, within });
    if (obstacle !== null) return notApplicable(obstacle);
    const earlier = builds.value.find((one) => one.id !== id && one.isBuilt);
    if (earlier === undefined) {
      return notApplicable(`${project} has no earlier build that was whole`);
    }
    return ok({
      judged: { project, liveId: id, targetId: earlier.id },
      says: `roll ${project} back from ${nameOf(live.value)} to ${nameOf(earlier)}`,
    });
  },

  async perform({ judged: what }, reach) {
    const target = targetOf(reach);
    if (!target.ok) return target;
    const { api } = target.value;
    // Again, right before: what is live now must be what was judged.
    const live = await readLivePages(api, what.project);
    if (!live.ok) return live;
    if (live.value?.id === what.targetId) return ok(done(what));
    if (live.value?.id !== what.liveId) {
      return notApplicable(
        `${what.project} was deployed by somebody since; nothing was rolled back`,
      );
    }
    const rolled = await rollBackPages(api, what.project, what.targetId);
    return rolled.ok ? ok(done(what)) : rolled;
  },

  async confirm({ judged: what }, reach) {
    const target = targetOf(reach);
    if (!target.ok) return target;
    const live = await readLivePages(target.value.api, what.project);
    if (!live.ok) return live;
    return ok(live.value?.id === what.targetId ? { done: true, ...done(what) } : { done: false });
  },
});

function targetOf({
  cloudflare,
}: Reach): Result<{ readonly api: CloudflareReach["api"]; readonly project: string }, Refusal> {
  const why = missing(cloudflare);
  return why !== null || cloudflare === null || cloudflare.pagesProject === null
    ? refuse(why ?? "")
    : ok({ api: cloudflare.api, project: cloudflare.pagesProject });
}

function missing(cloudflare: CloudflareReach | null): string | null {
  if (cloudflare === null) return "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not set";
  return cloudflare.pagesProject === null ? "CLOUDFLARE_PAGES_PROJECT is not set" : null;
}

type Refusal = { readonly class: "refuse"; readonly detail: string };
const refuse = (detail: string): Result<never, Refusal> => err({ class: "refuse", detail });

const done = ({ project, targetId }: z.infer<typeof judged>) => ({
  says: `rolled ${project} back to build ${targetId.slice(0, 8)}`,
  receipt: { project, deploymentId: targetId },
});

const nameOf = ({ id, commit, createdAtMs }: PagesDeployment): string =>
  `build ${id.slice(0, 8)}${commit === "" ? "" : ` of ${commit.slice(0, 7)}`}, built ${utcTime(createdAtMs)} UTC`;
