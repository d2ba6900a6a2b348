/** Stubs of the Durable Objects, by the names that never change. */
import type { Env } from "../env.ts";
import type { DeskApi } from "../incidents/desk-api.ts";
import type { IncidentApi } from "../incidents/incident-api.ts";
import type { LimiterApi } from "../limiter/limiter-api.ts";
import type { MonitorApi } from "../monitor/monitor-api.ts";
import type { PolicyApi } from "../policy/policy-api.ts";
import { bundle } from "../playbooks/deployed.ts";
import { readShards, type TrafficReader } from "../traffic/shards.ts";
import { trafficName, type TrafficApi } from "../traffic/traffic-api.ts";
import { journalName } from "../guard/write-journal/names.ts";
import type { JournalApi } from "../write-journal/journal-api.ts";

export const monitorOf = (env: Env): MonitorApi => env.MONITOR.getByName("monitor");
export const deskOf = (env: Env): DeskApi => env.DESK.getByName("desk");
export const incidentOf = (env: Env, id: string): IncidentApi => env.INCIDENT.getByName(id);
export const policyOf = (env: Env): PolicyApi => env.POLICY.getByName("policy");
export const trafficShardOf = (env: Env, shard: number): TrafficApi =>
  env.TRAFFIC.getByName(trafficName(shard));
/** All of its shards as one. */
export const trafficOf = (env: Env): TrafficReader =>
  readShards(
    Array.from(
      { length: bundle.site.traffic_shards },
      (_, shard) => () => trafficShardOf(env, shard),
    ),
  );
export const writeJournalOf = (env: Env, routeId: string): JournalApi =>
  env.WRITE_JOURNAL.getByName(journalName(routeId));

/** The limiter's shards by name; null where they are not bound. */
export function limiterOf({ LIMITER: shards }: Env): ((name: string) => LimiterApi) | null {
  return shards === undefined ? null : (name) => shards.getByName(name);
}
