/**
 * Whom the steps against each shape of the flood are about, for the crowd of the gameday as a guard counts it, however long that guard
 * has been awake when the day begins: its windows run from its first request. The gameday plays one of them; a key that is told from the
 * usual by a few requests would be, most days.
 */
import { describe, it } from "vitest";
import { newcomers, regulars } from "../../../gamedays/ddos-crowd.ts";
import { SHAPE_NAMES, SHAPES, type ShapeName } from "../../../gamedays/ddos-shapes.ts";
import { headersOf, type Client } from "../../../gamedays/clients.ts";
import { readScenario } from "../../../gamedays/scenario.ts";
import type { Plan } from "../../../gamedays/visitors.ts";
import { Telemetry } from "../../../src/guard/telemetry.ts";
import type { Selection } from "../../../src/mitigations/selector.ts";
import {
  BEFORE_SECONDS,
  chooseSuspects,
  DURING_SECONDS,
} from "../../../src/mitigations/selectors/traffic-suspects.ts";
import { WINDOW_MS } from "../../../src/sketches/top-talkers.ts";
import { UNSEEN_SECONDS } from "../../../src/traffic/suspects.ts";
import { TrafficMemory } from "../../../src/traffic/window.ts";
import { countedFrom, factsFrom } from "../../support/isolates.ts";

const { parts, visitors: CROWD } = await readScenario("ddos");
const NEW_PER_SECOND = 4;
const PATHS = {
  browse: "/",
  read: "/pitches",
  look: "/pitches/1",
  "sign-in": "/sign-in",
  buy: "/checkout",
} as const;
/** As long as detection took, with the wait for the next report, when the day was played. */
const UNTIL_ONSET_MS = 9_400;
const UNTIL_SELECTED_MS = 12_000;
const TICK_MS = 10;
/** Timers are late. */
const FLUSH_MS = 1_017;
/** As the first steps of playbooks/ddos.yaml. */
const ASKS = {
  by: ["address", "network", "ja4", "asn", "path", "country"] as const,
  usual_max: 0.05,
};

const BEGINS_AT_MS = 1_000_000;

/** The seconds before the flood, and its first ones, through one guard that had its first request so long before. */
async function selected(shape: ShapeName, awakeForMs: number): Promise<Selection> {
  const beginsAtMs = BEGINS_AT_MS;
  const { requestsPerSecond, shots, shotOf } = SHAPES[shape];
  const faultAtMs = beginsAtMs + parts.calm;
  const endsAtMs = faultAtMs + UNTIL_SELECTED_MS;
  const memory = new TrafficMemory(0);
  let nowMs = beginsAtMs - awakeForMs;
  const guard = new Telemetry({
    traffic: () => ({ flush: async (flush) => memory.add(flush, nowMs) }),
    shards: () => 1,
    newIsolateId: () => "isolate-1",
  });
  const count = (headers: Readonly<Record<string, string>>, path: string): void => {
    const { asn, country, botManagement } = JSON.parse(headers["MF-CF-Blob"] ?? "{}");
    const facts = factsFrom(wordOf(headers["CF-Connecting-IP"] ?? ""), {
      path,
      url: `https://shop.example${path}`,
      header: (name) => (name === "user-agent" ? (headers["User-Agent"] ?? null) : null),
      place: () => ({ asn, country }),
      ja4: () => botManagement.ja4,
    });
    guard.record(countedFrom(facts), nowMs, () => undefined);
  };
  count(headersOf(PROBE), "/health");
  await guard.flush();
  nowMs = beginsAtMs;
  const people = (plan: Plan) => (number: number) => {
    const { headers, errand } = plan(number);
    count(headers, PATHS[errand]);
  };
  const sources = [
    [beginsAtMs, CROWD.requests_per_second, Infinity, people(regulars(CROWD.count))],
    [beginsAtMs, NEW_PER_SECOND, Infinity, people(newcomers)],
    [
      faultAtMs,
      requestsPerSecond,
      shots ?? Infinity,
      (number: number) => {
        const { client, path }: { client: Client; path: string } = shotOf(number);
        count(headersOf(client), path.replace(/\?.*/, ""));
      },
    ],
  ] as const;
  const sent = sources.map(() => 0);
  for (let flushAtMs = beginsAtMs + FLUSH_MS; nowMs < endsAtMs; nowMs += TICK_MS) {
    for (const [at, [fromMs, perSecond, most, send]] of sources.entries()) {
      const due = Math.min(((nowMs - fromMs) / 1_000) * perSecond, most);
      for (; (sent[at] ?? 0) < due; sent[at] = (sent[at] ?? 0) + 1) send(sent[at] ?? 0);
    }
    if (nowMs >= flushAtMs) {
      await guard.flush();
      flushAtMs += FLUSH_MS;
    }
  }
  const beganSecond = Math.floor((faultAtMs + UNTIL_ONSET_MS) / 1_000) - UNSEEN_SECONDS;
  return chooseSuspects(
    {
      before: { ...memory.talkers(BEFORE_SECONDS, beganSecond), silentShards: 0 },
      during: { ...memory.talkers(DURING_SECONDS, Math.floor(nowMs / 1_000) - 2), silentShards: 0 },
      allowlist: [],
      already: {},
    },
    { ...ASKS, by: [...ASKS.by] },
  );
}

const PROBE: Client = { address: "192.0.2.250", asn: 1, country: "NL", ja4: "", userAgent: "" };

const wordOf = (address: string): number =>
  address.split(".").reduce((word, part) => word * 256 + Number(part), 0) >>> 0;

describe("whom a step is about, however long a guard has been awake", () => {
  const MOMENTS = 10;
  it.for(SHAPE_NAMES)("%s", async (shape, { expect }) => {
    for (let n = 0; n < MOMENTS; n += 1) {
      const awakeForMs = (n * WINDOW_MS) / MOMENTS;
      const selection = await selected(shape, awakeForMs);
      const about = selection.kind === "selected" ? Object.values(selection.picked).flat() : [];
      expect(about.map(String), `awake for ${awakeForMs} ms: ${selection.says}`).toEqual([
        SHAPES[shape].named,
      ]);
    }
  });
});
