/**
 * Puts the production Worker back to the newest earlier version that ran for everybody, when what is live was deployed
 * shortly before the harm began.
 */
import { z } from "zod";
import {
  changedSecrets,
  deployVersion,
  readDeployable,
  readDeployments,
  type Deployment,
} from "../../platform/cloudflare-workers.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { utcTime } from "../../shared/utc.ts";
import { defineAct, type CloudflareReach, type Reach } from "../actuator.ts";
import { deployedWithin, notTheCause } from "../deployed-before.ts";
import { notApplicable } from "../not-applicable.ts";

const REASON_CHARS_MAX = 300;

const options = z.strictObject({
  /** How long before the harm the deployment may have been. */
  deployed_within: deployedWithin,
  /** Although secrets have changed since that version ran. For a person to say. */
  force: z.boolean().default(false),
});

const judged = z.object({
  script: z.string(),
  liveDeploymentId: z.string(),
  liveVersionIds: z.array(z.string()),
  targetVersionId: z.string(),
});

export const rollbackDeployment = defineAct({
  id: "rollback-deployment",
  kind: "act",
  options,
  judged,
  traits: { siteWide: true },
  plan: () => ({
    siteWide: true,
    touches:
      "every visitor: they get the version of production that ran before the last deployment",
  }),
  missing: ({ cloudflare }) => missing(cloudflare),

  async judge({ onsetAtMs, options: { deployed_within: within } }, reach) {
    const target = targetOf(reach);
    if (!target.ok) return target;
    const { api, worker } = target.value;
    const deployments = await readDeployments(api, worker);
    if (!deployments.ok) return deployments;
    const [live, ...earlier] = deployments.value;
    if (live === undefined) return refuse(`${worker} was never deployed`);
    if (isOwn(live, reach)) return refuse(OWN_IS_LIVE);
    const obstacle = obstacleTo(live, { onsetAtMs, within, reach });
    if (obstacle !== null) return notApplicable(obstacle);
    const deployable = await readDeployable(api, worker);
    if (!deployable.ok) return deployable;
    const found = newestWhole(live, earlier, deployable.value);
    if (found === null) {
      return notApplicable(
        `${worker} has no earlier version that ran for everybody and can still run`,
      );
    }
    return ok({
      judged: {
        script: worker,
        liveDeploymentId: live.id,
        liveVersionIds: live.versions.map(({ id }) => id),
        targetVersionId: found.versionId,
      },
      says: `roll ${worker} back from ${shortIds(live)}, deployed ${utcTime(live.createdAtMs)} UTC by ${authorOf(live)}, to ${short(found.versionId)}, deployed ${utcTime(found.deployment.createdAtMs)} UTC by ${authorOf(found.deployment)}`,
    });
  },

  async perform(act, reach) {
    const { judged: what, options: given } = act;
    const target = targetOf(reach);
    if (!target.ok) return target;
    const { api } = target.value;
    // Again, right before: what is live now must be what was judged.
    const deployments = await readDeployments(api, what.script);
    if (!deployments.ok) return deployments;
    const own = deployments.value.find((one) => isMarked(one, act.id, reach));
    if (own !== undefined) return ok(done(what, own.id));
    const [live] = deployments.value;
    if (live?.id !== what.liveDeploymentId) {
      return notApplicable(
        `${what.script} was deployed by somebody since; nothing was rolled back`,
      );
    }
    const deployed = await deployVersion(api, what.script, {
      versionId: what.targetVersionId,
      message: `${markOf(act.id, reach)} ${act.reason.slice(0, REASON_CHARS_MAX)}`,
      force: given.force,
    });
    if (deployed.ok) return ok(done(what, deployed.value.id));
    const secrets = changedSecrets(deployed.error);
    if (secrets === null) return deployed;
    const names = secrets.length === 0 ? "some, which it does not name" : secrets.join(", ");
    return err({
      class: "refuse",
      detail: `secrets have changed since ${short(what.targetVersionId)} ran: ${names}. It would run with their new values`,
      ask: { force: true },
    });
  },

  async confirm(act, reach) {
    const target = targetOf(reach);
    if (!target.ok) return target;
    const deployments = await readDeployments(target.value.api, act.judged.script);
    if (!deployments.ok) return deployments;
    const own = deployments.value.find((one) => isMarked(one, act.id, reach));
    return ok(own === undefined ? { done: false } : { done: true, ...done(act.judged, own.id) });
  },
});

type Judged = z.infer<typeof judged>;

const OWN_IS_LIVE = "that Worker is Firebreak itself, which is never rolled back by itself";
const isOwn = ({ versions }: Deployment, { cloudflare }: Reach): boolean =>
  versions.some(({ id }) => id === (cloudflare?.own.versionId ?? null));

/** Why what is live is not what a rollback is for, or null. */
function obstacleTo(
  live: Deployment,
  {
    onsetAtMs,
    within,
    reach,
  }: { readonly onsetAtMs: number; readonly within: string; readonly reach: Reach },
): string | null {
  if (live.message.startsWith(`firebreak/${reach.instance}/`)) {
    return "what is live is a rollback already";
  }
  return notTheCause({ createdAtMs: live.createdAtMs, onsetAtMs, within });
}

/** The newest earlier deployment of one version to everybody, of a version that is not live and can still be deployed. */
function newestWhole(
  live: Deployment,
  earlier: readonly Deployment[],
  deployable: ReadonlySet<string>,
): { readonly versionId: string; readonly deployment: Deployment } | null {
  const bad = new Set(live.versions.map(({ id }) => id).filter((id) => isNew(id, live, earlier)));
  for (const deployment of earlier) {
    const [only] = deployment.versions;
    if (deployment.versions.length !== 1 || only === undefined || only.percentage !== 100) continue;
    if (!bad.has(only.id) && deployable.has(only.id)) return { versionId: only.id, deployment };
  }
  return null;
}

/** In a gradual deployment the old version is live beside the new one, and is the one to keep: it has run for everybody. */
const isNew = (id: string, live: Deployment, earlier: readonly Deployment[]): boolean =>
  live.versions.length === 1 ||
  !earlier.some(({ versions }) => versions.length === 1 && versions[0]?.id === id);

function targetOf(
  reach: Reach,
): Result<{ readonly api: CloudflareReach["api"]; readonly worker: string }, Refusal> {
  const { cloudflare } = reach;
  const why = missing(cloudflare);
  if (why !== null || cloudflare === null || cloudflare.worker === null) return refuse(why ?? "");
  if (cloudflare.own.scripts.includes(cloudflare.worker)) {
    return refuse(`${cloudflare.worker} is Firebreak itself, which is never rolled back by itself`);
  }
  return ok({ api: cloudflare.api, worker: cloudflare.worker });
}

function missing(cloudflare: CloudflareReach | null): string | null {
  if (cloudflare === null) return "CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not set";
  return cloudflare.worker === null ? "CLOUDFLARE_WORKER is not set" : null;
}

type Refusal = { readonly class: "refuse"; readonly detail: string };
const refuse = (detail: string): Result<never, Refusal> => err({ class: "refuse", detail });

const markOf = (actId: string, { instance }: Reach): string => `firebreak/${instance}/${actId}`;
const isMarked = ({ message }: Deployment, actId: string, reach: Reach): boolean =>
  message === markOf(actId, reach) || message.startsWith(`${markOf(actId, reach)} `);

const done = ({ script, targetVersionId }: Judged, deploymentId: string) => ({
  says: `rolled ${script} back to ${short(targetVersionId)}`,
  receipt: { script, versionId: targetVersionId, deploymentId },
});

const short = (id: string): string => id.slice(0, 8);
const shortIds = ({ versions }: Deployment): string =>
  versions.map(({ id }) => short(id)).join(" and ");
const authorOf = ({ author }: Deployment): string => (author === "" ? "somebody" : author);
