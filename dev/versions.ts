/**
 * A Worker in several versions, as Cloudflare keeps them: every build runs as a Worker of its own, and what visitors reach under
 * the Worker's name is whichever the deployments say is live. The stand-in of Cloudflare's API is who says so.
 */
import type { Vendor } from "./vendors/vendor.ts";
import { cloudflareApi } from "./vendors/cloudflare-api.ts";
import type { BuiltWorker } from "./workers.ts";

export const ACCOUNT_ID = "local";
const DAY_MS = 86_400_000;

/** Asks for each request which version is live, and hands it on unread. */
const ROUTER = `export default {
  async fetch(request, env) {
    const live = await fetch(env.LIVE_URL);
    return env[await live.text()].fetch(request);
  },
};`;

export type Versions = {
  readonly vendor: Vendor;
  /** The version that visitors get. */
  readonly live: () => string;
  /** As a developer would: a new deployment of a version, to everybody. */
  readonly deploy: (version: string) => Promise<void>;
};

/** Versions of one Worker, newest first; what is live has been so for two days. */
export function versionsOf(
  script: string,
  {
    versions,
    live,
    token,
  }: { readonly versions: readonly string[]; readonly live: string; readonly token: string },
): Versions {
  let current = live;
  const vendor = cloudflareApi({
    accountId: ACCOUNT_ID,
    token,
    initial: {
      workers: {
        [script]: {
          versions: versions.map((id) => ({ id })),
          deployments: [
            {
              id: `deployment-of-${live}`,
              createdAt: new Date(Date.now() - 2 * DAY_MS).toISOString(),
              versions: [{ id: live, percentage: 100 }],
            },
          ],
        },
      },
    },
    onDeploy: (_, version) => {
      current = version;
    },
  });
  return {
    vendor,
    live: () => current,
    async deploy(version) {
      const path = `/accounts/${ACCOUNT_ID}/workers/scripts/${script}/deployments`;
      const answer = await vendor.fetch(
        new Request(new URL(path, "https://api.invalid"), {
          method: "POST",
          headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
          body: JSON.stringify({
            strategy: "percentage",
            versions: [{ version_id: version, percentage: 100 }],
          }),
        }),
      );
      if (!answer.ok) throw new Error(`${version} was not deployed: ${await answer.text()}`);
    },
  };
}

/** The Worker that stands under the name, in front of its versions. */
export const versionRouter = (
  name: string,
  versions: Readonly<Record<string, BuiltWorker>>,
): BuiltWorker => ({
  name,
  options: {
    name,
    modules: true,
    script: ROUTER,
    compatibilityDate: "2026-10-01",
    serviceBindings: Object.fromEntries(
      Object.entries(versions).map(([version, worker]) => [version, worker.name]),
    ),
  },
});

/** The same build under another name. */
export const renamed = (worker: BuiltWorker, name: string): BuiltWorker => ({
  name,
  options: { ...worker.options, name },
});
