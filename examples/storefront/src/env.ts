/** What wrangler.toml and the secrets hand to the storefront. */
import type { PolicyReader, ReportReceiver } from "firebreak/sdk";

export type Env = {
  /** Neon connection string. */
  readonly POSTGRES_URL: string;
  /** The same for a read replica; empty for none. */
  readonly POSTGRES_REPLICA_URL: string;
  /** Where the Neon driver sends its queries; empty for the driver's own choice. */
  readonly POSTGRES_FETCH_ENDPOINT: string;
  /** Upstash REST URL and token. */
  readonly REDIS_URL: string;
  readonly REDIS_TOKEN: string;
  /** Where Stripe and Square answer, and what they know the storefront by. */
  readonly STRIPE_API_URL: string;
  readonly STRIPE_API_KEY: string;
  readonly SQUARE_API_URL: string;
  readonly SQUARE_ACCESS_TOKEN: string;
  /** What the payment provider signs its webhooks with. */
  readonly STRIPE_WEBHOOK_SECRET: string;
  /** Firebreak's, to tell its replays from anybody else's; without them, they are refused. */
  readonly SIGNING_KEYS?: string;
  /** What accounts are hashed with before Firebreak hears of them; without it, it never does. */
  readonly FIREBREAK_ACCOUNT_KEY?: string;
  /** `<site>.<environment>` of Firebreak's site.yaml. */
  readonly FIREBREAK_INSTANCE: string;
  /** Firebreak's policy object; absent where there is no Firebreak. */
  readonly FIREBREAK_POLICY?: { readonly getByName: (name: string) => PolicyReader };
  /** Where the storefront reports what it meets; absent where there is no Firebreak. */
  readonly FIREBREAK_TRAFFIC?: { readonly getByName: (name: string) => ReportReceiver };
};
