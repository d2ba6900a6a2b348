/** Every signal there is: its type, its source, and what kind of evidence it is. Playbooks are checked against this list. */
import { AUDIT } from "./catalogue-audit.ts";
import { DATABASE } from "./catalogue-database.ts";
import { SDK } from "./catalogue-sdk.ts";
import { PAYMENTS } from "./catalogue-payments.ts";
import { SECURITY } from "./catalogue-security.ts";
import { TOLD } from "./catalogue-told.ts";
import * as seen from "./evidence.ts";
import type { SignalName } from "./signal.ts";

export type { Evidence, SignalSpec, SignalType } from "./evidence.ts";

export const SOURCE_IDS = [
  "probe",
  "postgres",
  "database",
  "replica",
  "neon",
  "redis",
  "cloudflare",
  "deployments",
  "logs",
  "traffic",
  "newcomers",
  "usual_traffic",
  "edge",
  "guard",
  "challenge",
  "alerts",
  "heartbeats",
  "reports",
  "sdk",
  "sign_ins",
  "api_use",
  "payments",
  "integrity",
  "audit",
  "write_journal",
] as const;
export type SourceId = (typeof SOURCE_IDS)[number];

export const CATALOGUE = {
  "probe.around_success_ratio": {
    type: "double",
    unit: "ratio",
    source: "probe",
    evidence: seen.around,
    describes:
      "Share of the declared probes that production answered as expected, asked past the guard.",
  },
  "probe.around_latency_ms": {
    type: "double",
    unit: "ms",
    source: "probe",
    evidence: seen.around,
    describes: "Slowest answer among the probes asked past the guard.",
  },
  "probe.through_success_ratio": {
    type: "double",
    unit: "ratio",
    source: "probe",
    evidence: seen.through,
    describes:
      "Share of the declared probes answered as expected through the guard; the guard's own answers count as neither.",
  },
  "probe.through_latency_ms": {
    type: "double",
    unit: "ms",
    source: "probe",
    evidence: seen.through,
    describes: "Slowest answer among the probes asked through the guard.",
  },
  ...DATABASE,
  "redis.reachable_ratio": {
    type: "double",
    unit: "ratio",
    source: "redis",
    evidence: seen.cache,
    describes: "1 when Redis answered PING within its deadline, 0 when it did not.",
  },
  "redis.latency_ms": {
    type: "double",
    unit: "ms",
    source: "redis",
    evidence: seen.cache,
    describes: "Time Redis took to answer PING.",
  },
  "cloudflare.impact_level": {
    type: "int",
    unit: "level",
    source: "cloudflare",
    evidence: seen.vendor,
    describes: "Cloudflare's own status: 0 none, 1 minor, 2 major, 3 critical.",
  },
  "cloudflare.deployment_age_seconds": {
    type: "double",
    unit: "seconds",
    source: "deployments",
    evidence: seen.vendor,
    describes: "Since when the production Worker runs what it runs.",
  },
  "logs.errors_count": {
    type: "int",
    unit: "events",
    source: "logs",
    evidence: seen.logs,
    describes: "Errors that production logged in the last two minutes.",
  },
  "logs.timeout_errors_count": {
    type: "int",
    unit: "events",
    source: "logs",
    evidence: seen.logs,
    describes: "Those of them about time that ran out, or connections that did.",
  },
  "traffic.arriving_per_second": {
    type: "double",
    unit: "requests/second",
    source: "traffic",
    evidence: seen.visitors,
    describes:
      "Requests that came, whatever became of them; the guard's own answers included, probes not.",
  },
  "traffic.requests_per_second": {
    type: "double",
    unit: "requests/second",
    source: "traffic",
    evidence: seen.visitors,
    describes: "Requests that reached production, without the guard's own answers and probes.",
  },
  "traffic.origin_requests_count": {
    type: "int",
    unit: "requests",
    source: "traffic",
    evidence: seen.visitors,
    describes:
      "Requests behind the ratios of this window; a rule that needs a minimum asks for it.",
  },
  "traffic.error_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes: "Share of those requests that production answered with 5xx or not at all.",
  },
  "traffic.harmed_addresses_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes:
      "Share of the clients of the window, about, that met at least one of these errors. Whom the guard refused met none.",
  },
  "traffic.latency_p95_ms": {
    type: "double",
    unit: "ms",
    source: "traffic",
    evidence: seen.visitors,
    describes: "95th percentile of production's time to answer.",
  },
  "traffic.usual_requests_per_second": {
    type: "double",
    unit: "requests/second",
    source: "usual_traffic",
    evidence: seen.visitors,
    describes:
      "Requests that usually come in this hour of the week, the guard's own answers included: the median of up to four weeks.",
  },
  "traffic.of_usual_ratio": {
    type: "double",
    unit: "ratio",
    source: "usual_traffic",
    evidence: seen.visitors,
    describes:
      "The last minute's requests as a share of the usual; 0 also when no guard reports any. Unknown where few usually come.",
  },
  "edge.requests_per_second": {
    type: "double",
    unit: "requests/second",
    source: "edge",
    evidence: seen.edge,
    describes:
      "Requests that came to Cloudflare's edge from outside, as its analytics counted two minutes that ended two minutes ago.",
  },
  "edge.of_usual_ratio": {
    type: "double",
    unit: "ratio",
    source: "edge",
    evidence: seen.edge,
    describes:
      "Those as a share of what usually comes to the edge in this hour of the week. Unknown where few usually come.",
  },
  "traffic.distinct_addresses_count": {
    type: "int",
    unit: "addresses",
    source: "traffic",
    evidence: seen.visitors,
    describes:
      "Different clients lately, about (IPv4 addresses, IPv6 /64s), those that the guard refused included.",
  },
  "traffic.requests_per_address_count": {
    type: "double",
    unit: "requests",
    source: "traffic",
    evidence: seen.visitors,
    describes: "Requests for each of those clients, on average, refused ones included.",
  },
  "traffic.top_address_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes:
      "Share of all requests that the busiest client sent, at least; refused ones included.",
  },
  "traffic.top_network_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes: "The same for the busiest network, an IPv4 /24 or an IPv6 /48.",
  },
  "traffic.top_asn_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes: "The same for the busiest operator's network, by its AS number.",
  },
  "traffic.top_country_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes: "The same for the country that most of it comes from.",
  },
  "traffic.top_ja4_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes:
      "The same for the commonest fingerprint of a TLS client; unknown where Cloudflare takes none.",
  },
  "traffic.top_user_agent_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes: "The same for what most of it calls itself.",
  },
  "traffic.top_path_ratio": {
    type: "double",
    unit: "ratio",
    source: "traffic",
    evidence: seen.visitors,
    describes: "The same for the route that most of it asks for.",
  },
  "traffic.new_addresses_ratio": {
    type: "double",
    unit: "ratio",
    source: "newcomers",
    evidence: seen.visitors,
    describes:
      "Share of the clients of the last ten seconds, about, that did not come in the minute and a half before.",
  },
  "traffic.distinct_urls_count": {
    type: "int",
    unit: "urls",
    source: "traffic",
    evidence: seen.visitors,
    describes: "Different URLs that were asked for lately, about, each with its query.",
  },
  "traffic.requests_per_url_count": {
    type: "double",
    unit: "requests",
    source: "traffic",
    evidence: seen.visitors,
    describes:
      "Requests for each of those URLs, on average: near one, they are made up so that no cache can answer.",
  },
  "guard.enforced_ratio": {
    type: "double",
    unit: "ratio",
    source: "guard",
    evidence: seen.visitors,
    describes:
      "Share of recent requests, probes through the guard included, decided on the newest policy.",
  },
  "guard.enforcement_lag_seconds": {
    type: "double",
    unit: "seconds",
    source: "guard",
    evidence: seen.visitors,
    describes:
      "From the newest policy's compilation until nearly all visitors were decided on it, at most; so far, until they are.",
  },
  "challenge.solve_ratio": {
    type: "double",
    unit: "ratio",
    source: "challenge",
    evidence: seen.visitors,
    describes: "Of the challenges put in a recent minute, the share that was met.",
  },
  "challenge.abandonment_ratio": {
    type: "double",
    unit: "ratio",
    source: "challenge",
    evidence: seen.visitors,
    describes: "Of the challenges of the last minute that has run out, the share never met.",
  },
  ...TOLD,
  ...SDK,
  ...SECURITY,
  ...PAYMENTS,
  "integrity.failed_checks_count": {
    type: "int",
    unit: "checks",
    source: "integrity",
    evidence: seen.rows,
    describes: "Declared integrity checks that find something broken.",
  },
  "integrity.broken_rows_count": {
    type: "int",
    unit: "rows",
    source: "integrity",
    evidence: seen.rows,
    describes:
      "Orphans, duplicate keys and rows against an invariant, up to 10 000 for each check.",
  },
  "integrity.row_drop_ratio": {
    type: "double",
    unit: "ratio",
    source: "integrity",
    evidence: seen.rows,
    describes: "Largest share of its rows that a counted table has lost within its window.",
  },
  "integrity.invalid_constraints_count": {
    type: "int",
    unit: "constraints",
    source: "integrity",
    evidence: seen.schema,
    describes: "Constraints and indexes that the database itself does not call valid.",
  },
  "integrity.missing_constraints_count": {
    type: "int",
    unit: "constraints",
    source: "integrity",
    evidence: seen.schema,
    describes: "Declared references and keys that no valid constraint of the database guards.",
  },
  "integrity.clean_age_seconds": {
    type: "double",
    unit: "seconds",
    source: "integrity",
    evidence: seen.rows,
    describes:
      "Time since every check last ran and found nothing: where a recovery would go back to.",
  },
  ...AUDIT,
  "write_journal.backlog_count": {
    type: "int",
    unit: "deliveries",
    source: "write_journal",
    evidence: seen.journal,
    describes: "Deliveries of webhooks that wait until production takes writes again.",
  },
  "write_journal.oldest_age_seconds": {
    type: "double",
    unit: "seconds",
    source: "write_journal",
    evidence: seen.journal,
    describes: "How long the oldest of them has waited; 0 when none waits.",
  },
  "write_journal.dead_count": {
    type: "int",
    unit: "deliveries",
    source: "write_journal",
    evidence: seen.journal,
    describes: "Deliveries that production would not take, given up until somebody looks.",
  },
  "write_journal.missed_count": {
    type: "int",
    unit: "deliveries",
    source: "write_journal",
    evidence: seen.journal,
    describes:
      "Deliveries of the last minute that should have been kept and were not: no secret, no binding, or no answer.",
  },
} as const satisfies Record<SignalName, seen.SignalSpec>;

export type CatalogueName = keyof typeof CATALOGUE;

/** The same list, looked up by any string. */
export const catalogue: Readonly<Record<SignalName, seen.SignalSpec>> = CATALOGUE;
