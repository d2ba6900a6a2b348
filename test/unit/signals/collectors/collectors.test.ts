import { readFileSync } from "node:fs";
import { describe, it, onTestFinished } from "vitest";
import { z } from "zod";
import { createStatusPage } from "../../../../src/platform/status-page.ts";
import {
  FACTS_CHARACTERS_MAX,
  SUMMARY_CHARACTERS_MAX,
  type CollectorContext,
} from "../../../../src/signals/collectors/collector.ts";
import {
  COLLECTOR_IDS,
  COLLECTORS,
  collectEvidence,
} from "../../../../src/signals/collectors/registry.ts";
import {
  DIMENSIONS,
  type Dimension,
  type DimensionCut,
} from "../../../../src/sketches/top-talkers.ts";
import { measured, unknownSignal, type Signal } from "../../../../src/signals/signal.ts";
import { UNSEEN_SECONDS } from "../../../../src/traffic/suspects.ts";
import { aCollection, aTalkersWindow, aTraffic } from "../../../support/signals.ts";
import { sendJson, serve } from "../../../support/http-server.ts";

const samples = z.array(z.object({ atMs: z.int() }));
const ONSET_MS = 1_800_000_000_000;
const context = (
  fields: Partial<Omit<CollectorContext, "signal">>,
): Omit<CollectorContext, "signal"> =>
  aCollection({
    atMs: ONSET_MS + 60_000,
    onsetAtMs: ONSET_MS,
    ...fields,
  });

it("every collector is listed under its own id", ({ expect }) => {
  expect(Object.values(COLLECTORS).map(({ id }) => id)).toEqual(COLLECTOR_IDS);
});

it("an unknown collector is refused", async ({ expect }) => {
  expect(await collectEvidence("toString", context({}))).toMatchObject({
    ok: false,
    error: { class: "refuse" },
  });
});

describe("signals-around-onset", () => {
  const NAME = "probe.around_success_ratio";

  it("tells what the rules' signals were, from five minutes before onset", async ({ expect }) => {
    const asked: unknown[] = [];
    const history = async (name: string, fromMs: number): Promise<readonly Signal[]> => {
      asked.push([name, fromMs]);
      if (name !== NAME) return [];
      return [
        measured(NAME, 1, { atMs: ONSET_MS - 60_000, freshMs: 1 }),
        unknownSignal(NAME, "timeout", { atMs: ONSET_MS, detail: "not needed here" }),
      ];
    };
    const evidence = await collectEvidence(
      "signals-around-onset",
      context({ signals: [NAME], history }),
    );
    const names = [NAME, "traffic.error_ratio", "traffic.harmed_addresses_ratio"];
    expect(asked).toEqual(names.map((name) => [name, ONSET_MS - 5 * 60_000]));
    expect(evidence).toEqual({
      ok: true,
      value: {
        summary: `What the rules read and users felt, from 5m before onset: 2 samples of ${names.join(", ")}`,
        facts: {
          [NAME]: [
            { atMs: ONSET_MS - 60_000, value: 1 },
            { atMs: ONSET_MS, unknown: "timeout" },
          ],
          "traffic.error_ratio": [],
          "traffic.harmed_addresses_ratio": [],
        },
      },
    });
  });

  it("stays within its size with all the signals and history there could be", async ({
    expect,
  }) => {
    const signals = Array.from(
      { length: 100 },
      (_, index) => `probe.some_long_name_${index}_ratio`,
    );
    const history = async (name: string): Promise<readonly Signal[]> =>
      Array.from({ length: 1_440 }, (_, index) =>
        measured(name, 1 / 3, { atMs: ONSET_MS + (index - 700) * 10_000, freshMs: 1 }),
      );
    const evidence = await collectEvidence("signals-around-onset", context({ signals, history }));
    const facts = evidence.ok
      ? Object.values(z.record(z.string(), samples).parse(evidence.value.facts))
      : [];
    expect(facts).toHaveLength(16);
    expect(facts[0]?.[0]?.atMs).toBe(ONSET_MS - 10 * 10_000);
    expect(facts[0]?.at(-1)?.atMs).toBe(ONSET_MS + 19 * 10_000);
    expect(JSON.stringify(evidence).length).toBeLessThan(
      FACTS_CHARACTERS_MAX + SUMMARY_CHARACTERS_MAX,
    );
  });

  it("fails as a value when history fails", async ({ expect }) => {
    const history = () => Promise.reject(new Error("token=secret"));
    expect(
      await collectEvidence("signals-around-onset", context({ signals: [NAME], history })),
    ).toEqual({ ok: false, error: { class: "retry", detail: "the collector failed: Error" } });
  });
});

describe("cloudflare-status", () => {
  async function collected(body: unknown) {
    const server = await serve((_, response) => sendJson(response, 200, body));
    onTestFinished(server.close);
    const cloudflareStatus = createStatusPage([server.url], 500);
    return collectEvidence("cloudflare-status", context({ cloudflareStatus }));
  }

  it("lists what is not operational, and open incidents", async ({ expect }) => {
    const fixture = new URL(
      "../../../fixtures/statuspage/cloudflare-summary.json",
      import.meta.url,
    );
    expect(await collected(JSON.parse(readFileSync(fixture, "utf8")))).toEqual({
      ok: true,
      value: {
        summary:
          "Cloudflare says: Partial System Outage; 1 components not operational, 1 open incidents",
        facts: {
          indicator: "major",
          components: [{ name: "Cloudflare Sites and Services", status: "partial_outage" }],
          incidents: [{ name: "Elevated errors", impact: "major", status: "investigating" }],
        },
      },
    });
  });

  it("lists the worst of very many", async ({ expect }) => {
    const components = Array.from({ length: 300 }, (_, index) => ({
      name: `Data centre ${index} ${"x".repeat(1_000)}`,
      status: index === 299 ? "major_outage" : "under_maintenance",
    }));
    const status = { indicator: "minor", description: "as always" };
    const evidence = await collected({ status, components, incidents: [] });
    expect(evidence).toMatchObject({
      value: {
        summary: expect.stringContaining("300 components"),
        facts: { components: expect.objectContaining({ length: 20 }) },
      },
    });
    expect(evidence).toMatchObject({
      value: { facts: { components: { 0: { status: "major_outage" } } } },
    });
  });

  it("is refused when not configured, and may be tried again when the page does not help", async ({
    expect,
  }) => {
    expect(await collectEvidence("cloudflare-status", context({}))).toMatchObject({
      error: { class: "refuse" },
    });
    expect(await collected({ up: true })).toMatchObject({ error: { class: "retry" } });
  });
});

describe("top-talkers", () => {
  const cut = (dimension: Dimension, names: number): DimensionCut => ({
    dimension,
    total: 1_000,
    refused: 250,
    distinct: new Uint8Array(),
    top: Array.from({ length: names }, (_, n) => ({
      name: `${n}`.padEnd(200, "x"),
      count: 500 - n,
      atLeast: 400 - n,
      refused: n,
    })),
  });
  const collect = (window: Parameters<typeof aTalkersWindow>[0]) => {
    const traffic = aTraffic({ talkers: async () => aTalkersWindow(window) });
    return collectEvidence("top-talkers", context({ traffic }));
  };

  it("lists who stands out, and stays small with all that a window can hold", async ({
    expect,
  }) => {
    const evidence = await collect({ dimensions: DIMENSIONS.map((one) => cut(one, 256)) });
    expect(evidence).toMatchObject({
      ok: true,
      value: {
        summary: expect.stringContaining("sent at least 40 %"),
        facts: { dimensions: { address: { requests: 1_000, refused: 250 } } },
      },
    });
  });

  it("says of whom the excess since the harm began is", async ({ expect }) => {
    const path = (total: number): DimensionCut => ({ ...cut("path", 0), total });
    const flood: DimensionCut = {
      ...cut("address", 0),
      total: 60_000,
      top: [{ name: "192.0.2.7", count: 58_000, atLeast: 57_000, refused: 0 }],
    };
    const traffic = aTraffic({
      talkers: async (seconds, untilSecond) => {
        // What came in the window in which it was first seen is none of the usual.
        const isBefore = untilSecond <= ONSET_MS / 1_000 - UNSEEN_SECONDS;
        return aTalkersWindow({
          fromSecond: untilSecond - seconds,
          untilSecond,
          dimensions: isBefore ? [path(600)] : [flood, path(60_000)],
        });
      },
    });
    expect(await collectEvidence("top-talkers", context({ traffic }))).toMatchObject({
      value: {
        summary: expect.stringMatching(
          /Of the excess since the harm began, 96 % is of address 192\.0\.2\.7$/,
        ),
        facts: { excess: { kind: "named", suspects: [{ name: "192.0.2.7" }] } },
      },
    });
  });

  it("says what is missing, and that it failed when nobody answers", async ({ expect }) => {
    expect(await collect({ missingReports: 1, dimensions: [cut("address", 0)] })).toMatchObject({
      value: { summary: expect.stringContaining("a part of the reports is missing") },
    });
    expect(await collect({ silentShards: 2 })).toMatchObject({ error: { class: "retry" } });
  });
});
