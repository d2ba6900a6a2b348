/** What Redis says of itself: memory against its limit, clients, evictions, hits. */
import { err, ok } from "../../shared/result.ts";
import { defineCollector } from "./collector.ts";

const VALUE_CHARACTERS_MAX = 100;

/** Of its hundred lines, those that explain an incident; a server that lacks some has fewer facts. */
const FIELDS = [
  "redis_version",
  "redis_mode",
  "role",
  "uptime_in_seconds",
  "connected_clients",
  "blocked_clients",
  "maxclients",
  "rejected_connections",
  "used_memory",
  "maxmemory",
  "maxmemory_policy",
  "evicted_keys",
  "expired_keys",
  "instantaneous_ops_per_sec",
  "keyspace_hits",
  "keyspace_misses",
  "total_error_replies",
  "master_link_status",
  "loading",
  "db0",
] as const;

export const redisInfo = defineCollector({
  id: "redis-info",

  async collect({ redis, signal }) {
    if (redis === null) {
      return err({ class: "refuse", detail: "REDIS_URL or REDIS_TOKEN is not set" });
    }
    const info = await redis.info(signal);
    if (!info.ok) {
      const { kind, class: failureClass, detail } = info.error;
      return err({ class: failureClass, detail: `Redis did not help: ${kind}, ${detail}` });
    }
    const said = readInfo(info.value);
    const facts = Object.fromEntries(
      FIELDS.flatMap((name) => {
        const value = said.get(name);
        return value === undefined ? [] : [[name, value.slice(0, VALUE_CHARACTERS_MAX)] as const];
      }),
    );
    const of = (name: (typeof FIELDS)[number]): string => facts[name] ?? "?";
    return ok({
      summary: `Redis ${of("redis_version")}: ${of("used_memory")} of ${limit(of("maxmemory"))} bytes used, ${of("connected_clients")} clients, ${of("evicted_keys")} keys evicted`,
      facts,
    });
  },
});

/** `maxmemory:0` is no limit. */
const limit = (maxmemory: string): string => (maxmemory === "0" ? "unlimited" : maxmemory);

const readInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split(/\r?\n/).flatMap((line) => {
      const at = line.indexOf(":");
      return line.startsWith("#") || at < 1
        ? []
        : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
