/** Every number of the playbook document that this version carries out is a default of ours, read from the document itself. */
import { readFileSync } from "node:fs";
import { describe, it } from "vitest";
import { RESPONSE_MS } from "../../../src/incidents/severity.ts";
import { TARGETS } from "../../../src/metrics/kpis.ts";
import { deployedPlaybook } from "../../../src/playbooks/deployed.ts";
import { effectiveParams } from "../../../src/playbooks/params.ts";
import type { Severity } from "../../../src/playbooks/schema.ts";
import { stepOptions } from "../../../src/playbooks/step-options.ts";
import { LONG_SECONDS } from "../../../src/signals/collectors/postgres-long-queries.ts";
import { TABLES_MAX } from "../../../src/signals/collectors/postgres-table-sizes.ts";
import { site } from "../../../src/playbooks/site.ts";
import { MANY_FAILURES } from "../../../src/traffic/sign-in-figures.ts";
import { parseDuration, writeDuration } from "../../../src/shared/duration.ts";

const DOCUMENT = readFileSync("test/fixtures/mission/incident-response-playbooks.md", "utf8");
const UNITS: Readonly<Record<string, string>> = { minute: "m", hour: "h", week: "d" };

/** The first number and unit that the pattern finds, in milliseconds. */
function durationIn(pattern: RegExp): number {
  const [, count = "", unit = ""] = pattern.exec(DOCUMENT) ?? [];
  const parsed = parseDuration(`${count}${UNITS[unit] ?? ""}`);
  if (!parsed.ok) throw new Error(`the document does not say ${pattern}`);
  return parsed.value;
}

const numberIn = (pattern: RegExp): number => Number(pattern.exec(DOCUMENT)?.[1]);

describe("the numbers of the playbook document", () => {
  it.for(["SEV-1", "SEV-2", "SEV-3", "SEV-4"] as const)(
    "%s: the response time is the deadline after which silence escalates",
    (severity: Severity, { expect }) => {
      const said = durationIn(new RegExp(`\\*\\*${severity}\\*\\*.*< (\\d+) (minute|hour)s`));
      expect(RESPONSE_MS[severity]).toBe(said);
    },
  );

  it.for([
    { kpi: "MTTD", target: TARGETS.timeToDetectMs },
    { kpi: "MTTA", target: TARGETS.timeToAcknowledgeMs },
    { kpi: "MTTR", target: TARGETS.timeToResolveMs },
  ])("$kpi: the target", ({ kpi, target }, { expect }) => {
    expect(target).toBe(durationIn(new RegExp(`\\*\\*${kpi}\\*\\*.*< (\\d+) (minute)s`)));
  });

  it("the incident rate and the completion of post-mortems", ({ expect }) => {
    const [, perWeek] = /\*\*Incident Rate\*\*: < (\d+) per week/.exec(DOCUMENT) ?? [];
    const [, percent] = /\*\*Post-Mortem Completion\*\*: (\d+)% for SEV-1\/2/.exec(DOCUMENT) ?? [];
    expect(TARGETS.incidentsPerWeek).toBe(Number(perWeek));
    expect(TARGETS.postmortemCompletionRatio).toBe(Number(percent) / 100);
  });

  it("how often the outage is updated", ({ expect }) => {
    const said = durationIn(/Updates will be provided every (\d+) (minute)s/);
    expect(parseDuration(site.shape.update_every.parse(undefined))).toEqual({
      ok: true,
      value: said,
    });
  });

  it("when the database is slow, which queries are looked at, and which are ended", ({
    expect,
  }) => {
    const slowMs = numberIn(/Query response time > (\d+)ms/);
    const lookSeconds = numberIn(/interval '(\d+) seconds'/);
    const endMinutes = numberIn(/interval '(\d+) minutes'/);
    const tables = numberIn(/pg_total_relation_size[^;]*DESC\s+LIMIT (\d+)/);
    const database = deployedPlaybook("database")?.spec;
    expect(database?.params).toMatchObject({
      slow_ms: { default: slowMs },
      long_seconds: { default: lookSeconds },
      end_after: { default: `${endMinutes}m` },
    });
    expect([LONG_SECONDS, TABLES_MAX]).toEqual([lookSeconds, tables]);
    const specs = database?.params ?? {};
    const params = effectiveParams(specs, [], 0);
    const options = Object.fromEntries(
      database?.mitigate.map((step) => [step.do, stepOptions(step.with, params, specs)]) ?? [],
    );
    expect(options["end-long-queries"]).toMatchObject({ older_than: `${endMinutes}m` });
    const pool = numberIn(/max: (\d+),\s+\/\/ Increased from 20/);
    const idleMs = numberIn(/idleTimeoutMillis: (\d+)/);
    const connectMs = numberIn(/connectionTimeoutMillis: (\d+)/);
    expect(options["pool-size"]).toMatchObject({
      max: pool,
      idle_timeout: writeDuration(idleMs),
      connection_timeout: writeDuration(connectMs),
    });
    const ttl = numberIn(/EMERGENCY_CACHE_TTL = (\d+)/);
    expect(options["emergency-query-cache"]).toEqual({ ttl: writeDuration(ttl * 1_000) });
  });

  const defaultsOf = (playbook: string): Readonly<Record<string, unknown>> =>
    Object.fromEntries(
      Object.entries(deployedPlaybook(playbook)?.spec.params ?? {}).map(([name, param]) => [
        name,
        param.default,
      ]),
    );

  it("how busy a database is too busy, and from how many failures a sign-in is an attack", ({
    expect,
  }) => {
    expect(defaultsOf("database")["cpu_max"]).toBe(numberIn(/Database CPU > (\d+)%/) / 100);
    expect(MANY_FAILURES).toBe(numberIn(/HAVING COUNT\(\*\) > (\d+)/));
  });

  it("what a flood is, and what each of its clients may still ask for", ({ expect }) => {
    expect(defaultsOf("ddos")).toMatchObject({
      requests_max: numberIn(/Request rate > (\d+) RPS/),
      cpu_max: numberIn(/Origin server CPU > (\d+)%/) / 100,
      limit: numberIn(/"threshold": (\d+)/),
      limit_window: `${numberIn(/"period": (\d+)/)}s`,
      cache_fresh: `${numberIn(/EMERGENCY_CACHE_TTL = (\d+)/)}s`,
    });
  });

  it("what strict mode asks", ({ expect }) => {
    const seconds = numberIn(/sessionTimeout: (\d+)/);
    expect(defaultsOf("security")).toMatchObject({
      session_timeout: `${seconds}s`,
      sign_in_attempts: numberIn(/maxLoginAttempts: (\d+)/),
      api_per_minute: numberIn(/apiRateLimit: (\d+)/),
    });
  });
});
