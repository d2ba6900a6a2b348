/** The vars and secrets that the Workers of the local stack are deployed with. */
import { NEON_PROJECT, PRIMARY_HOST } from "./neon-project.ts";
import { apiTokens, type StackSecrets } from "./secrets.ts";
import { ACCOUNT_ID } from "./versions.ts";
import { onHost, onPort } from "./storefront-database.ts";
import type { PostgresStore, RedisStore } from "./stores.ts";

/** As `playbooks/site.yaml` names them. */
export const REPOSITORY = "pitchey/storefront";
export const STATUSPAGE = { page: "kctbh9vrtdwd", components: ["kctbh9vrtdwe"] } as const;
export const SLACK_CHANNEL = "C0000000001";

export type Bindings = Readonly<Record<string, string>>;

/** See `examples/storefront/src/env.ts`. */
export const storefrontBindings = (
  stored: PostgresStore,
  cached: RedisStore,
  { signingKey, stripeSecret, accountKey, stripeKey, squareToken }: StackSecrets,
  vendorsUrl: string,
): Bindings => ({
  STRIPE_API_URL: `${vendorsUrl}/stripe-api`,
  STRIPE_API_KEY: stripeKey,
  SQUARE_API_URL: `${vendorsUrl}/square-api`,
  SQUARE_ACCESS_TOKEN: squareToken,
  STRIPE_WEBHOOK_SECRET: stripeSecret,
  SIGNING_KEYS: signingKeys(signingKey),
  FIREBREAK_ACCOUNT_KEY: accountKey,
  POSTGRES_URL: onHost(stored.database.ownerUrl, PRIMARY_HOST),
  POSTGRES_REPLICA_URL: onPort(stored.database.ownerUrl, stored.replica.port),
  POSTGRES_FETCH_ENDPOINT: stored.fetchEndpoint,
  REDIS_URL: cached.restUrl,
  REDIS_TOKEN: cached.token,
});

/** See `src/env.ts`. */
export const firebreakBindings = (from: {
  readonly secrets: StackSecrets;
  readonly stored: PostgresStore;
  readonly cached: RedisStore;
  readonly vendorsUrl: string;
  /** Where visitors ask. */
  readonly publicUrl: string;
  /** The status page's own hostname; null where nobody who answers there knows it. */
  readonly statusUrl: string | null;
}): Bindings => ({
  PUBLIC_URL: from.publicUrl,
  ...(from.statusUrl === null ? {} : { STATUS_URL: from.statusUrl }),
  API_TOKENS: apiTokens(from.secrets.token),
  SIGNING_KEYS: signingKeys(from.secrets.signingKey),
  ...turnstileBindings(from.secrets, from.vendorsUrl),
  POSTGRES_URL: from.stored.database.watcherUrl,
  POSTGRES_REPLICA_URL: onPort(from.stored.database.watcherUrl, from.stored.replica.port),
  POSTGRES_ACTS_URL: from.stored.database.actsUrl,
  POSTGRES_FETCH_ENDPOINT: from.stored.fetchEndpoint,
  REDIS_URL: from.cached.restUrl,
  REDIS_TOKEN: from.cached.token,
  REDIS_ACTS_TOKEN: from.cached.token,
  CLOUDFLARE_STATUS_URLS: `${from.vendorsUrl}/cloudflare-status`,
  CLOUDFLARE_API_URL: `${from.vendorsUrl}/cloudflare-api`,
  CLOUDFLARE_API_TOKEN: from.secrets.cloudflareToken,
  CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID,
  CLOUDFLARE_WORKER: "storefront",
  GITHUB_API_URL: `${from.vendorsUrl}/github-api`,
  GITHUB_TOKEN: from.secrets.githubToken,
  NEON_API_URL: `${from.vendorsUrl}/neon-api`,
  NEON_API_KEY: from.secrets.neonKey,
  NEON_PROJECT_ID: NEON_PROJECT,
  ALERTMANAGER_TOKEN: from.secrets.alertmanagerToken,
  HEARTBEAT_TOKEN: from.secrets.heartbeatToken,
  JOURNAL_STRIPE: from.secrets.stripeSecret,
  ...channelBindings(from.secrets, from.vendorsUrl),
});

/** Who is told, by the names of `playbooks/site.yaml`. */
const channelBindings = (secrets: StackSecrets, vendorsUrl: string): Bindings => ({
  CHANNEL_PAGER: JSON.stringify({ url: `${vendorsUrl}/pager`, secret: secrets.pagerSecret }),
  CHANNEL_ON_CALL: JSON.stringify({
    routing_key: secrets.pagerdutyKey,
    api: `${vendorsUrl}/pagerduty`,
  }),
  CHANNEL_INCIDENTS: JSON.stringify({
    token: secrets.slackToken,
    channel: SLACK_CHANNEL,
    signing_secret: secrets.slackSigningSecret,
    call: "channel",
    api: `${vendorsUrl}/slack/api`,
  }),
  CHANNEL_TICKETS: JSON.stringify({
    token: secrets.ticketsToken,
    repository: REPOSITORY,
    api: `${vendorsUrl}/github`,
  }),
  CHANNEL_PAGE: JSON.stringify({
    api_key: secrets.statuspageKey,
    page: STATUSPAGE.page,
    api: `${vendorsUrl}/statuspage`,
  }),
});

/** What `wrangler.guard.toml` asks for: the guard alone holds no key to any store. */
export const guardBindings = (secrets: StackSecrets, vendorsUrl: string): Bindings => ({
  SIGNING_KEYS: signingKeys(secrets.signingKey),
  JOURNAL_STRIPE: secrets.stripeSecret,
  ...turnstileBindings(secrets, vendorsUrl),
});

const turnstileBindings = ({ turnstileSecret }: StackSecrets, vendorsUrl: string): Bindings => ({
  TURNSTILE_SECRET: turnstileSecret,
  TURNSTILE_URL: `${vendorsUrl}/turnstile`,
});

const signingKeys = (secret: string): string => JSON.stringify([{ kid: "local", secret }]);
