/** What the HTTP surface needs, handed in by the entry point; it never sees `env`. */
import type { DeskApi } from "../incidents/desk-api.ts";
import type { IncidentApi } from "../incidents/incident-api.ts";
import type { SigningKey } from "../guard/signed.ts";
import type { MonitorApi } from "../monitor/monitor-api.ts";
import type { Bundle } from "../playbooks/bundled.ts";
import type { Vocabulary } from "../playbooks/vocabulary.ts";
import type { RetryQueue } from "../payments/retry-queue.ts";
import type { PolicyApi } from "../policy/policy-api.ts";
import type { TrafficReader } from "../traffic/shards.ts";
import type { JournalApi } from "../write-journal/journal-api.ts";
import type { Webhook } from "../webhooks/webhook.ts";
import type { ApiToken } from "./auth.ts";

export type HttpDeps = {
  readonly bundle: Bundle;
  readonly desk: DeskApi;
  readonly incident: (id: string) => IncidentApi;
  readonly monitor: MonitorApi;
  readonly policy: PolicyApi;
  readonly traffic: TrafficReader;
  /** The write journal of a route, by its id. */
  readonly writeJournal: (routeId: string) => JournalApi;
  /** Production's queue of payments; null where the site has none, or there is no Redis. */
  readonly payments: RetryQueue | null;
  readonly tokens: readonly ApiToken[];
  /** By the last part of their address: those of the registry, and those that the site maps. */
  readonly webhooks: ReadonlyMap<string, Webhook>;
  /** The ids of the pages at Statuspage that public channels of ours write. */
  readonly ownStatuspages: readonly string[];
  /** By vendor; a vendor without one is not configured. */
  readonly webhookSecrets: Readonly<Record<string, string | undefined>>;
  /** A channel's secret by the name that `site.yaml` gives, undefined when it is not set. */
  readonly channelSecret: (name: string) => string | undefined;
  /** What jobs show that say when they ran; undefined: none is set. */
  readonly heartbeatToken: string | undefined;
  readonly parts: Parts;
  /** Where visitors find the site, such as `https://shop.example`; null: as they ask for it. */
  readonly publicUrl: string | null;
  /** Where the status page has a hostname of its own, such as `https://status.shop.example`; null: below the site. */
  readonly statusUrl: string | null;
  /** The first signs bypasses; none while they are not configured. */
  readonly signingKeys: readonly SigningKey[];
  /** What playbooks are checked against. */
  readonly vocabulary: Vocabulary;
  /** The location's cache, `caches.default`. */
  readonly sharedCache: Cache;
  /** `<prefix>_<ULID>`. */
  readonly newId: (prefix: string) => string;
  readonly now: () => number;
};

/** Whether a part can work; `missing` is in words, null when nothing is. */
export type PartState = { readonly id: string; readonly missing: string | null };

/** Every actuator of the registry, every channel, public channel and write journal of the site, and the limiter. */
export type Parts = {
  readonly actuators: readonly PartState[];
  readonly channels: readonly PartState[];
  readonly publicChannels: readonly PartState[];
  /** By the route's id. */
  readonly writeJournals: readonly PartState[];
  /** Integrity checks that need more than the database. */
  readonly integrity: readonly PartState[];
  /** What isolates share rate limits by. */
  readonly limiter: PartState;
};
