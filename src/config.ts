/** The secrets and vars, parsed. A malformed one is as good as none, and is said once: the rest of Firebreak goes on. */
import { z } from "zod";
import type { Env } from "./env.ts";
import { readSigningKeys, type SigningKey } from "./guard/signed.ts";
import { isJournalSecret } from "./guard/write-journal/names.ts";
import { apiTokens, type ApiToken } from "./http/auth.ts";
import { parseJson } from "./shared/json.ts";
import type { CloudflareReach } from "./mitigations/actuator.ts";
import {
  CLOUDFLARE_API_URL,
  createCloudflare,
  type CloudflareProduction,
} from "./platform/cloudflare.ts";
import { GITHUB_API_URL, type GithubAccess } from "./platform/github.ts";
import { createNeon, NEON_API_URL, type NeonProduction } from "./platform/neon.ts";
import { createPostgresWriter, type PostgresWriter } from "./platform/postgres-writer.ts";
import { createPostgres, type Postgres } from "./platform/postgres.ts";
import { createRedis, type Redis } from "./platform/redis.ts";
import { createRedisWriter, type RedisWriter } from "./platform/redis-writer.ts";
import { webhookSecretName } from "./webhooks/registry.ts";
import { webhookSources } from "./wiring/webhooks.ts";
import { createStatusPage, STATUS_URLS_MAX, type StatusPage } from "./platform/status-page.ts";
import { say } from "./shared/log.ts";

/** Asked in order; the second answers 403 to programs at times. */
const CLOUDFLARE_STATUS_URLS =
  "https://yh6f0r4529hb.statuspage.io,https://www.cloudflarestatus.com";

export type Config = {
  readonly tokens: readonly ApiToken[];
  readonly signingKeys: readonly SigningKey[];
  readonly postgres: Postgres | null;
  /** Its read replica; null when there is none, or none that we know. */
  readonly replica: Postgres | null;
  /** With the role that may run the site's statements. */
  readonly postgresActs: PostgresWriter | null;
  readonly redisActs: RedisWriter | null;
  /** The same database as another compute of it serves it; null when it is not configured. */
  readonly postgresAt: (host: string) => Postgres | null;
  readonly redis: Redis | null;
  readonly cloudflareStatus: StatusPage;
  /** Production at Cloudflare; null when there is no token or account. */
  readonly cloudflare: (CloudflareProduction & Pick<CloudflareReach, "own">) | null;
  /** How GitHub is reached; null when there is no token. */
  readonly github: GithubAccess | null;
  /** Production's database at Neon; null when there is no key or project. */
  readonly neon: NeonProduction | null;
  readonly publicUrl: string | null;
  /** Where the links of messages lead: to a hostname of its own, or to the site. */
  readonly incidentsUrl: string | null;
  /** The origin of the status page's own hostname. */
  readonly statusUrl: string | null;
  /** By webhook vendor. */
  readonly webhookSecrets: Readonly<Record<string, string | undefined>>;
  /** What jobs show that say when they ran. */
  readonly heartbeatToken: string | undefined;
  /** A channel's secret by its name, undefined when it is not set. */
  readonly channelSecret: (name: string) => string | undefined;
  /** The secret of a sender of the write journal by its name. */
  readonly journalSecret: (name: string) => string | undefined;
};

/** Reads everything once. Messages name the secret and what it should be, never what it holds. */
export function readConfig(env: Env): Config {
  const signingKeys = readSigningKeys(env.SIGNING_KEYS);
  if (!signingKeys.ok) say("error", { part: "config", detail: signingKeys.error });
  return {
    tokens: readTokens(env.API_TOKENS),
    signingKeys: signingKeys.ok ? signingKeys.value : [],
    postgres: readPostgres(env, "POSTGRES_URL"),
    replica: readPostgres(env, "POSTGRES_REPLICA_URL"),
    postgresActs: readPostgresActs(env),
    redisActs: readRedisActs(env),
    postgresAt: (host) => readPostgres(env, "POSTGRES_URL", host),
    redis:
      env.REDIS_URL === undefined || env.REDIS_TOKEN === undefined
        ? null
        : createRedis({ url: env.REDIS_URL, token: env.REDIS_TOKEN }),
    cloudflareStatus: createStatusPage(
      (env.CLOUDFLARE_STATUS_URLS ?? CLOUDFLARE_STATUS_URLS).split(",").slice(0, STATUS_URLS_MAX),
    ),
    cloudflare: readCloudflare(env),
    github:
      env.GITHUB_TOKEN === undefined
        ? null
        : { baseUrl: env.GITHUB_API_URL ?? GITHUB_API_URL, token: env.GITHUB_TOKEN },
    neon: readNeon(env),
    publicUrl: originIn(env.PUBLIC_URL),
    incidentsUrl: originIn(env.INCIDENTS_URL) ?? originIn(env.PUBLIC_URL),
    statusUrl: originIn(env.STATUS_URL),
    webhookSecrets: Object.fromEntries(
      [...webhookSources.keys()].map((vendor) => [vendor, env[webhookSecretName(vendor)]]),
    ),
    heartbeatToken: env.HEARTBEAT_TOKEN,
    channelSecret: (name) => (isChannelSecret(name) ? env[name] : undefined),
    journalSecret: (name) => (isJournalSecret(name) ? env[name] : undefined),
  };
}

const originIn = (url: string | undefined): string | null => URL.parse(url ?? "")?.origin ?? null;

const isChannelSecret = (name: string): name is `CHANNEL_${string}` => name.startsWith("CHANNEL_");

function readTokens(text: string | undefined): readonly ApiToken[] {
  if (text === undefined) return [];
  const parsed = apiTokens.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const problem = z.prettifyError(parsed.error);
  say("error", {
    part: "config",
    detail: `API_TOKENS is not [{ "name", "role", "sha256" }]; no token is valid. ${problem}`,
  });
  return [];
}

/** As `wrangler.toml` and `wrangler.guard.toml` call them. */
const OWN_SCRIPTS = ["firebreak", "firebreak-guard"];

function readCloudflare(env: Env): Config["cloudflare"] {
  const { CLOUDFLARE_API_TOKEN: token, CLOUDFLARE_ACCOUNT_ID: accountId } = env;
  if (token === undefined || accountId === undefined) return null;
  const baseUrl = env.CLOUDFLARE_API_URL ?? CLOUDFLARE_API_URL;
  return {
    api: createCloudflare({ baseUrl, accountId, token }),
    worker: env.CLOUDFLARE_WORKER ?? null,
    pagesProject: env.CLOUDFLARE_PAGES_PROJECT ?? null,
    zoneId: env.CLOUDFLARE_ZONE_ID ?? null,
    own: { scripts: OWN_SCRIPTS, versionId: env.OWN_VERSION?.id ?? null },
  };
}

function readNeon(env: Env): Config["neon"] {
  const { NEON_API_KEY: key, NEON_PROJECT_ID: projectId } = env;
  if (key === undefined || projectId === undefined) return null;
  const baseUrl = env.NEON_API_URL ?? NEON_API_URL;
  return { api: createNeon({ baseUrl, projectId, key }), branchId: env.NEON_BRANCH_ID ?? null };
}

function readPostgresActs(env: Env): PostgresWriter | null {
  const connectionString = env.POSTGRES_ACTS_URL;
  const fetchEndpoint = env.POSTGRES_FETCH_ENDPOINT ?? null;
  return connectionString === undefined
    ? null
    : createPostgresWriter({ connectionString, fetchEndpoint }, "POSTGRES_ACTS_URL");
}

function readRedisActs(env: Env): RedisWriter | null {
  const { REDIS_URL: url, REDIS_ACTS_TOKEN: token } = env;
  return url === undefined || token === undefined ? null : createRedisWriter({ url, token });
}

function readPostgres(
  env: Env,
  secret: "POSTGRES_URL" | "POSTGRES_REPLICA_URL",
  host: string | null = null,
): Postgres | null {
  const given = env[secret];
  const fetchEndpoint = env.POSTGRES_FETCH_ENDPOINT ?? null;
  if (given === undefined) return null;
  const connectionString = host === null ? given : withHost(given, host);
  return createPostgres({ connectionString, fetchEndpoint }, secret);
}

/** What is no URL stays so, for the client to say. */
function withHost(connectionString: string, host: string): string {
  const url = URL.parse(connectionString);
  if (url === null) return connectionString;
  url.host = host;
  url.port = "";
  return url.href;
}
