/**
 * The suspicious requests of one isolate since its last flush, for as long as a lease asks for them: those that the guard or production
 * turned away, and those that ask for what only scanners look for. Facts and nothing that was carried: no address but its network, no id,
 * no query, no body. Bounded: the newest stay.
 */
import { LOGGED_MAX, type LoggedReport, type SuspiciousRequest } from "../traffic/traffic-api.ts";
import type { RequestFacts } from "./facts.ts";
import { networkName } from "./ip/network-name.ts";
import { templateOf } from "./path-template.ts";
import { isScannerPath } from "./scanner-paths.ts";
import type { Outcome } from "./telemetry.ts";
import type { VerdictReason } from "./verdict.ts";

export const USER_AGENT_CHARS_MAX = 120;
const METHOD_CHARS_MAX = 16;
const NAME_CHARS_MAX = 64;

export class SecurityLog {
  #requests: SuspiciousRequest[] = [];
  #leftOut = 0;

  note(outcome: Outcome, facts: RequestFacts, nowMs: number): void {
    const because = whySuspicious(outcome, facts);
    if (because === null) return;
    this.#requests.push(requestOf(facts, because, nowMs));
    if (this.#requests.length <= LOGGED_MAX) return;
    this.#requests.shift();
    this.#leftOut += 1;
  }

  /** What there is, and begins anew; null when there is nothing. */
  cut(): LoggedReport | null {
    if (this.#requests.length === 0) return null;
    const report = { requests: this.#requests, leftOut: this.#leftOut };
    this.#requests = [];
    this.#leftOut = 0;
    return report;
  }
}

/** Who is turned away because of who he is or what he does; not for maintenance, or by a copy. */
const TURNED_AWAY: ReadonlySet<string> = new Set<VerdictReason>([
  "blocked",
  "challenged",
  "limited",
  "limited_for_a_while",
]);

function whySuspicious(outcome: Outcome, { path }: RequestFacts): string | null {
  if (outcome.kind === "refused" && TURNED_AWAY.has(outcome.reason)) return outcome.reason;
  if (isScannerPath(path)) return "scanner_path";
  return outcome.kind === "served" && outcome.status >= 400 ? `status_${outcome.status}` : null;
}

function requestOf(facts: RequestFacts, because: string, atMs: number): SuspiciousRequest {
  const { address, method, path } = facts;
  const { asn, country } = facts.place();
  return {
    atMs,
    network: address === null ? null : networkName(address, 24, 48),
    country: country?.slice(0, NAME_CHARS_MAX) ?? null,
    asn,
    ja4: facts.ja4()?.slice(0, NAME_CHARS_MAX) ?? null,
    userAgent: facts.header("user-agent")?.slice(0, USER_AGENT_CHARS_MAX) ?? null,
    method: method.slice(0, METHOD_CHARS_MAX),
    path: withoutNames(templateOf(path)),
    because,
  };
}

/** Some routes have an e-mail address in them. */
const withoutNames = (template: string): string =>
  template
    .split("/")
    .map((segment) => (/@|%40/i.test(segment) ? ":id" : segment))
    .join("/");
