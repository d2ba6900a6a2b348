/** What the HTTP surface of this deploy is given. */
import type { Config } from "../config.ts";
import type { Env } from "../env.ts";
import { NO_LIMITER } from "../guard/assemble.ts";
import type { HttpDeps, PartState } from "../http/deps.ts";
import { actuators, acts } from "../mitigations/registry.ts";
import { NOT_BOUND } from "../notify/channels/cloudflare-email.ts";
import type { ChannelWith } from "../notify/channel.ts";
import {
  channels,
  isChannelKind,
  isPublicChannelKind,
  publicChannels,
} from "../notify/registry.ts";
import { RetryQueue, STORE_DEADLINE_MS, type PaymentStore } from "../payments/retry-queue.ts";
import { bundle } from "../playbooks/deployed.ts";
import { parseJson } from "../shared/json.ts";
import { ownStatuspages, webhookSources } from "./webhooks.ts";
import { newId, reachOf } from "./incidents.ts";
import { vocabulary } from "./vocabulary.ts";
import { deskOf, incidentOf, monitorOf, policyOf, trafficOf, writeJournalOf } from "./objects.ts";

export const httpDeps = (env: Env, config: Config): HttpDeps => ({
  bundle,
  // Stubs belong to the request that made them: each use makes its own.
  get desk() {
    return deskOf(env);
  },
  get monitor() {
    return monitorOf(env);
  },
  get policy() {
    return policyOf(env);
  },
  traffic: trafficOf(env),
  incident: (id) => incidentOf(env, id),
  writeJournal: (routeId) => writeJournalOf(env, routeId),
  payments: paymentsOf(config),
  tokens: config.tokens,
  webhooks: webhookSources,
  ownStatuspages: ownStatuspages(bundle.site.public_channels, config.channelSecret),
  webhookSecrets: config.webhookSecrets,
  channelSecret: config.channelSecret,
  heartbeatToken: config.heartbeatToken,
  parts: {
    actuators: [...Object.values(actuators), ...Object.values(acts)].map(({ id, missing }) => ({
      id,
      missing: missing(reachOf(env, config)),
    })),
    channels: bundle.site.channels.map((channel) => {
      const kind = isChannelKind(channel.kind) ? channels[channel.kind] : null;
      return channelState(channel, kind, { env, config });
    }),
    publicChannels: bundle.site.public_channels.map((channel) => {
      const kind = isPublicChannelKind(channel.kind) ? publicChannels[channel.kind] : null;
      return channelState(channel, kind, { env, config });
    }),
    writeJournals: bundle.site.write_journal.map(({ id, secret }) => ({
      id,
      missing: journalMissing(secret, config),
    })),
    integrity: bundle.site.integrity
      .filter(({ kind }) => kind === "replica")
      .map(({ id }) => ({ id, missing: config.replica === null ? NO_REPLICA : null })),
    limiter: { id: "LIMITER", missing: env.LIMITER === undefined ? NO_LIMITER : null },
  },
  publicUrl: config.publicUrl,
  statusUrl: config.statusUrl,
  signingKeys: config.signingKeys,
  vocabulary,
  sharedCache: caches.default,
  newId,
  now: () => Date.now(),
});

function paymentsOf({ redis }: Config): RetryQueue | null {
  const { payments } = bundle.site;
  if (redis === null || payments === undefined) return null;
  const store: PaymentStore = {
    eval: (...asked) => redis.eval(...asked, AbortSignal.timeout(STORE_DEADLINE_MS)),
  };
  return new RetryQueue(store, payments.queue);
}

const NO_REPLICA = "the secret POSTGRES_REPLICA_URL is not set: the check is left out";

function journalMissing(secret: string, { journalSecret, signingKeys }: Config): string | null {
  if (journalSecret(secret) === undefined) return `the secret ${secret} is not set`;
  return signingKeys.length === 0 ? "the secret SIGNING_KEYS is not set" : null;
}

function channelState(
  { id, kind, secret }: Pick<(typeof bundle.site.channels)[number], "id" | "kind" | "secret">,
  channel: Pick<ChannelWith<never>, "problemsWith" | "needs"> | null,
  { env, config }: { readonly env: Env; readonly config: Config },
): PartState {
  const text = config.channelSecret(secret);
  if (channel === null) return { id, missing: `there is no channel of kind ${kind}` };
  if (text === undefined) return { id, missing: `the secret ${secret} is not set` };
  if (channel.needs === "mail" && env.EMAIL === undefined) return { id, missing: NOT_BOUND };
  const problems = channel.problemsWith(parseJson(text));
  return { id, missing: problems.length === 0 ? null : `${secret}: ${problems.join("; ")}` };
}
