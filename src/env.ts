/** What wrangler.toml and the secrets hand to the Worker. Only the entry points read it. */
import type * as main from "./index.ts";
import type {
  Desk,
  GuardPolicy,
  Incident,
  Limiter,
  Monitor,
  Traffic,
  WriteJournal,
} from "./index.ts";

export type Env = {
  readonly MONITOR: DurableObjectNamespace<Monitor>;
  readonly DESK: DurableObjectNamespace<Desk>;
  readonly INCIDENT: DurableObjectNamespace<Incident>;
  readonly POLICY: DurableObjectNamespace<GuardPolicy>;
  readonly TRAFFIC: DurableObjectNamespace<Traffic>;
  readonly WRITE_JOURNAL: DurableObjectNamespace<WriteJournal>;
  /** Without it each isolate counts rate limits alone. */
  readonly LIMITER?: DurableObjectNamespace<Limiter>;
  /** Production, by service binding; or `ORIGIN_URL`. */
  readonly ORIGIN?: Fetcher;
  readonly ORIGIN_URL?: string;
  /** The guard's own Worker, where it is deployed apart: probes go through it. */
  readonly GUARD_ENTRY?: Fetcher;
  /** Where visitors find the site, such as `https://shop.example`: for links in messages. */
  readonly PUBLIC_URL?: string;
  /** Where people on call look at incidents, if not there: a hostname of their own, such as `https://firebreak.shop.example`. */
  readonly INCIDENTS_URL?: string;
  /** Where the status page has a hostname of its own, such as `https://status.shop.example`; routed to this Worker. */
  readonly STATUS_URL?: string;
  /** `off` serves every request to the origin before anything else is looked at. */
  readonly GUARD?: string;
  /** Sends mail to the site's own people, for channels of kind `cloudflare-email`. */
  readonly EMAIL?: SendEmail;
  /** JSON: `[{ "name", "role": "viewer"|"responder"|"admin", "sha256" }]`. */
  readonly API_TOKENS?: string;
  /** JSON: `[{ "kid", "secret" }]`, at most two live: signs bypass and probe tokens, challenges and clearances. */
  readonly SIGNING_KEYS?: string;
  /** Of the Turnstile widget whose site key is in `site.yaml`. */
  readonly TURNSTILE_SECRET?: string;
  /** Overrides where Turnstile is. */
  readonly TURNSTILE_URL?: string;
  /** Connection string of a read-only role of our own, with `pg_monitor`. */
  readonly POSTGRES_URL?: string;
  /** The same role on the read replica, where there is one. */
  readonly POSTGRES_REPLICA_URL?: string;
  /** Connection string of a role that may run the statements of `audit` in `site.yaml`, once each. */
  readonly POSTGRES_ACTS_URL?: string;
  /** Overrides where the Neon driver sends its queries. */
  readonly POSTGRES_FETCH_ENDPOINT?: string;
  readonly REDIS_URL?: string;
  readonly REDIS_TOKEN?: string;
  /** May also drop the sessions that `site.yaml` names: Upstash's standard token, not the read-only one. */
  readonly REDIS_ACTS_TOKEN?: string;
  /** Comma-separated base URLs, asked in order. */
  readonly CLOUDFLARE_STATUS_URLS?: string;
  /** Reads and rolls back production, and changes its zone; docs/deploy.md lists what it may. */
  readonly CLOUDFLARE_API_TOKEN?: string;
  readonly CLOUDFLARE_ACCOUNT_ID?: string;
  /** Overrides where Cloudflare's API answers. */
  readonly CLOUDFLARE_API_URL?: string;
  /** The production Worker's name, and its Pages project's, as Cloudflare knows them. */
  readonly CLOUDFLARE_WORKER?: string;
  readonly CLOUDFLARE_PAGES_PROJECT?: string;
  /** The zone that production's hostname is in. */
  readonly CLOUDFLARE_ZONE_ID?: string;
  /** Reads the commits of the repository that `site.yaml` names: Contents, read-only. */
  readonly GITHUB_TOKEN?: string;
  /** Overrides where GitHub's API answers. */
  readonly GITHUB_API_URL?: string;
  /** Makes branches beside production's database at Neon. */
  readonly NEON_API_KEY?: string;
  readonly NEON_PROJECT_ID?: string;
  /** The branch that production uses; without it the project's default. */
  readonly NEON_BRANCH_ID?: string;
  /** Overrides where Neon's API answers. */
  readonly NEON_API_URL?: string;
  /** Which version of Firebreak this is. */
  readonly OWN_VERSION?: WorkerVersionMetadata;
  /** The bearer token that Alertmanager sends. */
  readonly ALERTMANAGER_TOKEN?: string;
  /** What other monitoring tools sign with or show, by vendor: one, or an old and a new one on a line of its own each. */
  readonly [webhookSecret: `WEBHOOK_${string}`]: string | undefined;
  /** The bearer token of the jobs that say when they ran. */
  readonly HEARTBEAT_TOKEN?: string;
  /** Secrets of senders whose deliveries are kept, by the name that `site.yaml` gives: one, or an old and a new one. */
  readonly [journalSecret: `JOURNAL_${string}`]: string | undefined;
  /** Channel secrets, by the name that `site.yaml` gives. JSON: `{ "url", "secret" }` for kind `webhook`. */
  readonly [channelSecret: `CHANNEL_${string}`]: string | undefined;
};

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      /** What `ctx.exports` and `cloudflare:workers` offer. */
      mainModule: typeof main;
    }
  }
}
