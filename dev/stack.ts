/** The whole local stack, for `npm start`, gamedays and end-to-end tests: everything real that can be real. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  firebreakBindings,
  guardBindings,
  REPOSITORY,
  SLACK_CHANNEL,
  STATUSPAGE,
  storefrontBindings,
  type Bindings,
} from "./bindings.ts";
import { stackControl } from "./control.ts";
import { runCron } from "./cron.ts";
import { choosePort, LOOPBACK } from "./loopback.ts";
import { neonProject, type NeonProject } from "./neon-project.ts";
import { deliverCharge } from "./payment-provider.ts";
import type { Postgres } from "./postgres.ts";
import { setAutopilotOn, untilHealthy } from "./readiness.ts";
import type { Redis } from "./redis.ts";
import { makeSecrets, type Role, type StackSecrets } from "./secrets.ts";
import { settleAll } from "./settle-all.ts";
import { onPort } from "./storefront-database.ts";
import { startPostgresStore, startRedisStore } from "./stores.ts";
import { databaseServer, tellCpu, workersRuntime } from "./told-cpu.ts";
import { startVendors } from "./vendors.ts";
import { cloudflareStatus } from "./vendors/cloudflare-status.ts";
import { githubApi, type GithubState } from "./vendors/github-api.ts";
import { githubIssues } from "./vendors/github-issues.ts";
import { pager } from "./vendors/pager.ts";
import { pagerduty } from "./vendors/pagerduty.ts";
import { slack } from "./vendors/slack.ts";
import { squareApi } from "./vendors/square-api.ts";
import { statuspage } from "./vendors/statuspage.ts";
import { stripeApi } from "./vendors/stripe-api.ts";
import { turnstile } from "./vendors/turnstile.ts";
import { renamed, versionRouter, versionsOf } from "./versions.ts";
import { startWarden } from "./warden.ts";
import {
  buildWorker,
  runWorkers,
  type BuiltWorker,
  type DeployedWorker,
  type WorkerLog,
} from "./workers.ts";

/** As `playbooks/site.yaml` has it. */
const TURNSTILE_SITE_KEY = "0x4AAAAAAA-local";
const SOURCE: GithubState = { repositories: { [REPOSITORY]: { main: [] } } };
const STOREFRONT = projectFile("examples/storefront");
/** Versions of the storefront: the one that is live at first, and the one that a gameday deploys over it. */
const WHOLE = "whole";
const BROKEN = "broken";

/** Nobody has Slack's incoming webhook here: the bot speaks. */
const NO_HOOK = "none";

/** What may be given a fixed port; everything else is on a free one. */
export const PORT_NAMES = ["guard", "storefront", "vendors", "postgres", "redis"] as const;
export type StackPorts = Readonly<Partial<Record<(typeof PORT_NAMES)[number], number>>>;

export type StackOptions = {
  /** The guard as a Worker of its own in front, as recommended for production. */
  readonly split?: boolean;
  readonly ports?: StackPorts;
  /** Told what is being done, a line each. */
  readonly progress?: (line: string) => void;
  /** Told what a person should know although it works. */
  readonly warn?: (line: string) => void;
  readonly onLog?: (log: WorkerLog) => void;
  /** Ends the start between two steps; what is up by then is taken down again. */
  readonly signal?: AbortSignal;
};

/** What people and scripts need to use a running stack: the line that `npm start -- --json` prints. */
export type StackInfo = {
  readonly guard: string;
  readonly storefront: string;
  readonly status: string;
  readonly token: Readonly<Record<Role, string>>;
  /** Connection string of the storefront's own role. */
  readonly postgres: string;
  /** The same for its streaming replica. */
  readonly replica: string;
  /** `redis://…`; where the stand-in serves, the REST URL. */
  readonly redis: string;
  readonly vendors: string;
};

export type Stack = AsyncDisposable & {
  readonly info: StackInfo;
  readonly secrets: StackSecrets;
  readonly postgres: Pick<Postgres, "isRunning" | "start" | "stop">;
  /** The storefront's read replica. */
  readonly replica: Pick<Postgres, "isRunning" | "start" | "stop" | "url">;
  readonly redis: Pick<Redis, "kind" | "isRunning" | "start" | "stop">;
  /** The storefront's project at Neon. */
  readonly neon: Pick<NeonProject, "beginHistory" | "branchUrl">;
  /** Delivers the cron trigger now, beside the one of each minute. */
  readonly deliverCron: () => Promise<void>;
};

/** Starts everything; resolves when the storefront is healthy behind the guard. Disposing it leaves nothing. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { ports = {}, progress = silent, warn = silent, signal } = options;
  await using starting = new AsyncDisposableStack();
  const { directory } = starting.use(startWarden());
  const secrets = makeSecrets();

  progress("starting Postgres and Redis, bundling the Workers");
  const [stored, cached, bundles] = await settleAll([
    startPostgresStore(starting, { directory, sqlDirectory: STOREFRONT, port: ports.postgres }),
    startRedisStore(starting, { directory, token: secrets.redisToken, port: ports.redis, warn }),
    buildAll(join(directory, "bundles"), options.split === true),
  ]);
  signal?.throwIfAborted();

  let running: Stack | undefined;
  const storefront = versionsOf(bundles.storefront.name, {
    versions: [BROKEN, WHOLE],
    live: WHOLE,
    token: secrets.cloudflareToken,
  });
  const neon = starting.use(neonProject(stored, secrets.neonKey));
  const vendors = starting.use(
    await startVendors({
      vendors: [
        cloudflareStatus(),
        storefront.vendor,
        neon.vendor,
        githubApi({ token: secrets.githubToken, initial: SOURCE }),
        pager(secrets.pagerSecret),
        pagerduty({ routingKey: secrets.pagerdutyKey }),
        slack({ token: secrets.slackToken, channel: SLACK_CHANNEL, webhook: NO_HOOK }),
        githubIssues({ token: secrets.ticketsToken, repository: REPOSITORY }),
        statuspage({ apiKey: secrets.statuspageKey, ...STATUSPAGE }),
        stripeApi({
          key: secrets.stripeKey,
          // As Stripe does, and without its patience: a delivery that fails is not tried again.
          onCharged: ({ id }) => {
            if (running === undefined) return;
            const site = { url: running.info.guard, secret: secrets.stripeSecret };
            deliverCharge(site, { event: `evt_${id}`, charge: id }).catch(() =>
              warn(`${id} could not be told to the storefront`),
            );
          },
        }),
        squareApi({ token: secrets.squareToken }),
        turnstile({ siteKey: TURNSTILE_SITE_KEY, secret: secrets.turnstileSecret }),
      ],
      stackControl: stackControl(() => running, storefront),
      port: ports.vendors,
    }),
  );
  progress("starting the Workers");
  // Chosen beforehand: who is told of an incident is told where it is looked at.
  const front = await choosePort(ports.guard);
  const publicUrl = `http://${LOOPBACK}:${front}`;
  const workers = starting.use(
    await runWorkers({
      deployed: deployAll(
        bundles,
        { ...ports, guard: front },
        {
          firebreak: firebreakBindings({
            secrets,
            stored,
            cached,
            vendorsUrl: vendors.url,
            publicUrl,
            // The guard alone has no status page.
            statusUrl: bundles.guard === undefined ? `http://status.localhost:${front}` : null,
          }),
          storefront: storefrontBindings(stored, cached, secrets, vendors.url),
          router: { LIVE_URL: `${vendors.url}/__stack/live` },
          guard: guardBindings(secrets, vendors.url),
        },
      ),
      storage: join(directory, "objects"),
      onLog: options.onLog ?? silent,
    }),
  );
  const deliverCron = () => workers.deliverCron(bundles.firebreak.name);
  starting.use(runCron(deliverCron));

  const guard = workers.url((bundles.guard ?? bundles.firebreak).name);
  const desk = { url: guard, token: secrets.heartbeatToken };
  starting.use(
    tellCpu({ name: "database-cpu", find: databaseServer(stored.postgres.cluster) }, desk),
  );
  starting.use(tellCpu({ name: "origin-cpu", find: workersRuntime }, desk));
  const info: StackInfo = {
    guard,
    storefront: workers.url(bundles.storefront.name),
    status: `${guard}/_firebreak/status`,
    token: secrets.token,
    postgres: stored.database.ownerUrl,
    replica: onPort(stored.database.ownerUrl, stored.replica.port),
    redis: cached.redis.url ?? cached.restUrl,
    vendors: vendors.url,
  };
  progress("waiting until the storefront is healthy");
  await untilHealthy(`${info.storefront}/health`, signal);
  await setAutopilotOn(info, warn);

  const taken = starting.move();
  running = {
    info,
    secrets,
    postgres: stored.postgres,
    replica: stored.replica,
    redis: cached.redis,
    neon,
    deliverCron,
    [Symbol.asyncDispose]: () => taken.disposeAsync(),
  };
  return running;
}

const silent = (): void => {};

type Bundles = {
  /** The guard alone, where it stands in front of the whole. */
  readonly guard: BuiltWorker | undefined;
  readonly firebreak: BuiltWorker;
  readonly storefront: BuiltWorker;
  readonly broken: BuiltWorker;
};

async function buildAll(directory: string, split: boolean): Promise<Bundles> {
  const build = (configPath: string) => buildWorker(configPath, directory);
  const [storefront, broken, firebreak, guard] = await settleAll([
    build(join(STOREFRONT, "wrangler.toml")),
    build(join(STOREFRONT, "wrangler.broken.toml")),
    build(projectFile("wrangler.toml")),
    split ? build(projectFile("wrangler.guard.toml")) : undefined,
  ]);
  return { guard, firebreak, storefront, broken };
}

/** Visitors ask the first; what stands behind it has a port of its own only where people ask it too. */
function deployAll(
  { guard, firebreak, storefront, broken }: Bundles,
  ports: StackPorts,
  bindings: Readonly<Record<"guard" | "firebreak" | "storefront" | "router", Bindings>>,
): readonly [DeployedWorker, ...DeployedWorker[]] {
  const front = ports.guard ?? 0;
  const whole = renamed(storefront, `${storefront.name}-${WHOLE}`);
  const router = versionRouter(storefront.name, { [WHOLE]: whole, [BROKEN]: broken });
  const behind = [
    { worker: router, bindings: bindings.router, port: ports.storefront ?? 0 },
    ...[whole, broken].map((worker) => ({ worker, bindings: bindings.storefront, port: 0 })),
  ];
  if (guard === undefined) {
    return [{ worker: firebreak, bindings: bindings.firebreak, port: front }, ...behind];
  }
  return [
    { worker: guard, bindings: bindings.guard, port: front },
    { worker: firebreak, bindings: bindings.firebreak, port: 0 },
    ...behind,
  ];
}

function projectFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}
