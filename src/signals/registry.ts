/** Every source there is. Adding one is a file in `sources/`, a line here, and its signals in the catalogue. */
import type { CatalogueName, SourceId } from "./catalogue.ts";
import type { Answer, PollContext, Source } from "./source.ts";
import { alerts } from "./sources/alerts.ts";
import { apiUse } from "./sources/api-use.ts";
import { audit } from "./sources/audit.ts";
import { challenge } from "./sources/challenge.ts";
import { cloudflare } from "./sources/cloudflare.ts";
import { database } from "./sources/database.ts";
import { deployments } from "./sources/deployments.ts";
import { edge } from "./sources/edge.ts";
import { guard } from "./sources/guard.ts";
import { heartbeats } from "./sources/heartbeats.ts";
import { integrity } from "./sources/integrity.ts";
import { logs } from "./sources/logs.ts";
import { neon } from "./sources/neon.ts";
import { payments } from "./sources/payments.ts";
import { newcomers } from "./sources/newcomers.ts";
import { postgres } from "./sources/postgres.ts";
import { probe } from "./sources/probe.ts";
import { replica } from "./sources/replica.ts";
import { redis } from "./sources/redis.ts";
import { reports } from "./sources/reports.ts";
import { sdk } from "./sources/sdk.ts";
import { signIns } from "./sources/sign-ins.ts";
import { traffic } from "./sources/traffic.ts";
import { usualTrafficSource } from "./sources/usual-traffic.ts";
import { writeJournal } from "./sources/write-journal.ts";

export const SOURCES = {
  probe,
  postgres,
  database,
  replica,
  neon,
  redis,
  cloudflare,
  deployments,
  logs,
  traffic,
  newcomers,
  usual_traffic: usualTrafficSource,
  edge,
  guard,
  challenge,
  alerts,
  heartbeats,
  reports,
  sdk,
  sign_ins: signIns,
  api_use: apiUse,
  payments,
  integrity,
  audit,
  write_journal: writeJournal,
} as const satisfies { readonly [Id in SourceId]: Source<Id> };

/** A source when it does not matter which. */
export type AnySource = Omit<Source<SourceId>, "emits" | "poll"> & {
  readonly emits: readonly CatalogueName[];
  readonly poll: (
    context: PollContext,
  ) => Promise<Readonly<Partial<Record<CatalogueName, Answer>>>>;
};

/** The same list, looked up by any of its ids. */
export const sources: Readonly<Record<SourceId, AnySource>> = SOURCES;
