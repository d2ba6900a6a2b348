import { describe, it } from "vitest";
import { CATALOGUE, SOURCE_IDS } from "../../../src/signals/catalogue.ts";
import {
  collect,
  DETAIL_CHARACTERS_MAX,
  NOTE_CHARACTERS_MAX,
} from "../../../src/signals/collect.ts";
import { sources, type AnySource } from "../../../src/signals/registry.ts";
import { aReach, NOW_MS } from "../../support/signals.ts";

const MOMENT = { atMs: NOW_MS, freshMs: 60_000, kept: null, recordsWithinMs: 120_000 };
const signalsOf = async (source: AnySource) => (await collect(source, aReach(), MOMENT)).signals;

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
    const signals = (await Promise.all(Object.values(sources).map(signalsOf))).flat();
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
    const signals = await signalsOf(hung);
    expect(signals.map((signal) => "unknown" in signal && signal.unknown)).toEqual([
      "timeout",
      "timeout",
    ]);
    expect(wasAborted).toBe(true);
  });

  it("answers for a source that fails, and repeats nothing of its message", async ({ expect }) => {
    const failing = aSource({ poll: () => Promise.reject(new Error("postgres://u:secret@h")) });
    expect(await signalsOf(failing)).toEqual(
      failing.emits.map((name) => ({
        name,
        unknown: "no_data",
        atMs: NOW_MS,
        detail: "the source failed: Error",
      })),
    );
  });

  it("hands a source what it kept, and takes what it keeps now", async ({ expect }) => {
    const counting = aSource({
      emits: ["redis.latency_ms"],
      poll: async ({ kept, keep }) => {
        keep(Number(kept) + 1);
        return { "redis.latency_ms": { value: Number(kept) } };
      },
    });
    const { signals, note } = await collect(counting, aReach(), { ...MOMENT, kept: 41 });
    expect(signals).toMatchObject([{ value: 41 }]);
    expect(note).toBe(42);
  });

  it("does not keep more than its limit", async ({ expect }) => {
    const hoarding = aSource({
      poll: async ({ keep }) => {
        keep("x".repeat(NOTE_CHARACTERS_MAX));
        return {};
      },
    });
    expect((await collect(hoarding, aReach(), MOMENT)).note).toBeNull();
  });

  it("refuses what is no finite number or too long, and what was forgotten", async ({ expect }) => {
    const odd = aSource({
      emits: ["redis.reachable_ratio", "redis.latency_ms", "postgres.latency_ms"],
      poll: async () => ({
        "redis.reachable_ratio": { value: Number.NaN },
        "redis.latency_ms": { value: "x".repeat(10_000) },
      }),
    });
    const signals = await signalsOf(odd);
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
    const [signal] = await signalsOf(wordy);
    expect(signal).toMatchObject({ detail: "x".repeat(DETAIL_CHARACTERS_MAX) });
  });
});
