/**
 * Whom the steps against each shape of the flood are about, for the crowd of the gameday as a guard counts it, wherever in that guard's
 * windows the day begins. The gameday plays one beginning; a key that is told from the usual by a few requests would be, most days.
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

/** The seconds before the flood, and its first ones, through one guard. */
async function selected(shape: ShapeName, beginsAtMs: number): Promise<Selection> {
  const { requestsPerSecond, shots, shotOf } = SHAPES[shape];
  const faultAtMs = beginsAtMs + parts.calm;
  const endsAtMs = faultAtMs + UNTIL_SELECTED_MS;
  const memory = new TrafficMemory(0);
  let nowMs = beginsAtMs;
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

const wordOf = (address: string): number =>
  address.split(".").reduce((word, part) => word * 256 + Number(part), 0) >>> 0;

describe("whom a step is about, wherever in a guard's windows the day begins", () => {
  const BEGINNINGS = 10;
  it.for(SHAPE_NAMES)("%s", async (shape, { expect }) => {
    for (let n = 0; n < BEGINNINGS; n += 1) {
      const selection = await selected(shape, 1_000_000 + (n * WINDOW_MS) / BEGINNINGS);
      const about = selection.kind === "selected" ? Object.values(selection.picked).flat() : [];
      expect(about.map(String), `beginning ${n}: ${selection.says}`).toEqual([SHAPES[shape].named]);
    }
  });
});
