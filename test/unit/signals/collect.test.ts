import { describe, it } from "vitest";
import { CATALOGUE, SOURCE_IDS } from "../../../src/signals/catalogue.ts";
import { collect, DETAIL_CHARACTERS_MAX } from "../../../src/signals/collect.ts";
import { sources, type AnySource } from "../../../src/signals/registry.ts";
import { aReach, NOW_MS } from "../../support/signals.ts";

const MOMENT = { atMs: NOW_MS, freshMs: 60_000 };

const aSource = (source: Partial<AnySource>): AnySource => ({
  id: "redis",
  emits: ["redis.reachable_ratio", "redis.latency_ms"],
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: 50,
  poll: async () => ({}),
  ...source,
});

describe("the registry", () => {
  it("emits every name of the catalogue from exactly the source that the catalogue names", ({
    expect,
  }) => {
    const emitted = SOURCE_IDS.flatMap((id) =>
      sources[id].emits.map((name) => `${name} from ${id}`),
    );
    const declared = Object.entries(CATALOGUE).map(
      ([name, { source }]) => `${name} from ${source}`,
    );
    expect(emitted.toSorted()).toEqual(declared.toSorted());
    expect(SOURCE_IDS.map((id) => sources[id].id)).toEqual([...SOURCE_IDS]);
  });

  it("answers every name when nothing is configured, and claims to know nothing", async ({
    expect,
  }) => {
    const signals = await collect(Object.values(sources), aReach(), MOMENT);
    expect(signals.map(({ name }) => name).toSorted()).toEqual(Object.keys(CATALOGUE).toSorted());
    expect(signals.filter((signal) => "value" in signal)).toEqual([]);
  });
});

describe("collect", () => {
  it("makes every name of a source that hangs a timeout, and aborts it", async ({ expect }) => {
    let wasAborted = false;
    const hung = aSource({
      poll: ({ signal }) =>
        new Promise(() => signal.addEventListener("abort", () => (wasAborted = true))),
    });
    const signals = await collect([hung], aReach(), MOMENT);
    expect(signals.map((signal) => "unknown" in signal && signal.unknown)).toEqual([
      "timeout",
      "timeout",
    ]);
    expect(wasAborted).toBe(true);
  });

  it("lets a failing source harm no other, and repeats nothing of its message", async ({
    expect,
  }) => {
    const failing = aSource({ poll: () => Promise.reject(new Error("postgres://u:secret@h")) });
    const working = aSource({
      emits: ["postgres.latency_ms"],
      poll: async () => ({ "postgres.latency_ms": { value: 12 } }),
    });
    const signals = await collect([failing, working], aReach(), MOMENT);
    expect(signals).toEqual([
      {
        name: "redis.reachable_ratio",
        unknown: "no_data",
        atMs: NOW_MS,
        detail: "the source failed: Error",
      },
      {
        name: "redis.latency_ms",
        unknown: "no_data",
        atMs: NOW_MS,
        detail: "the source failed: Error",
      },
      { name: "postgres.latency_ms", value: 12, atMs: NOW_MS, freshMs: 60_000 },
    ]);
  });

  it("refuses what is no finite number or too long, and what was forgotten", async ({ expect }) => {
    const odd = aSource({
      emits: ["redis.reachable_ratio", "redis.latency_ms", "postgres.latency_ms"],
      poll: async () => ({
        "redis.reachable_ratio": { value: Number.NaN },
        "redis.latency_ms": { value: "x".repeat(10_000) },
      }),
    });
    const signals = await collect([odd], aReach(), MOMENT);
    expect(signals.map((signal) => "unknown" in signal && signal.unknown)).toEqual([
      "malformed",
      "malformed",
      "malformed",
    ]);
  });

  it("bounds details", async ({ expect }) => {
    const wordy = aSource({
      emits: ["redis.latency_ms"],
      poll: async () => ({ "redis.latency_ms": { unknown: "no_data", detail: "x".repeat(5_000) } }),
    });
    const [signal] = await collect([wordy], aReach(), MOMENT);
    expect(signal).toMatchObject({ detail: "x".repeat(DETAIL_CHARACTERS_MAX) });
  });
});
