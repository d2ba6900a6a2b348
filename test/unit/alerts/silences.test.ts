/** What becomes of a silence that is asked for, asked for again, changed, or ended; each change says who made it. */
import { describe, it } from "vitest";
import {
  CHANGES_MAX,
  endedNow,
  silenceFor,
  SILENCES_MAX,
  silenceState,
  type AskedSilence,
  type Silence,
} from "../../../src/alerts/silences.ts";

const T0 = Date.parse("2026-11-23T14:00:00Z");
const HOUR_MS = 3_600_000;
const asked = (changes: Partial<AskedSilence> = {}): AskedSilence => ({
  id: "sil_1",
  matchers: ['alertname="DiskFull"'],
  startsAtMs: T0,
  endsAtMs: T0 + HOUR_MS,
  author: "ana",
  comment: "a disk is being replaced",
  by: "ana",
  as: "new",
  atMs: T0,
  ...changes,
});
const made = (changes: Partial<AskedSilence> = {}, silences: readonly Silence[] = []): Silence => {
  const answer = silenceFor(silences, asked(changes));
  if (!answer.ok) throw new Error(`it is refused: ${answer.error}`);
  return answer.value;
};

describe("a silence that is asked for", () => {
  it("is new, and says who wanted it", ({ expect }) => {
    expect(made()).toEqual({
      id: "sil_1",
      matchers: ['alertname="DiskFull"'],
      startsAtMs: T0,
      endsAtMs: T0 + HOUR_MS,
      author: "ana",
      comment: "a disk is being replaced",
      revision: 1,
      changes: [{ atMs: T0, by: "ana", did: "created" }],
    });
  });

  it("is the one that there is when it is asked for twice", ({ expect }) => {
    const there = made();
    expect(made({ atMs: T0 + 5 }, [there])).toBe(there);
    expect(made({ as: "replacement", atMs: T0 + 5 }, [there])).toBe(there);
  });

  it("is replaced under its id by another's words", ({ expect }) => {
    const there = made();
    const longer = { as: "replacement", by: "ben", author: "ben", atMs: T0 + 5 } as const;
    const replaced = made({ ...longer, endsAtMs: T0 + 2 * HOUR_MS }, [there]);
    expect(replaced).toMatchObject({ id: "sil_1", revision: 2, endsAtMs: T0 + 2 * HOUR_MS });
    expect(replaced.changes.map(({ by, did }) => [by, did])).toEqual([
      ["ana", "created"],
      ["ben", "replaced"],
    ]);
  });

  it("is refused where it replaces nothing, or what is over", ({ expect }) => {
    expect(silenceFor([], asked({ as: "replacement" }))).toEqual({ ok: false, error: "unknown" });
    const later = { as: "either", comment: "again", atMs: T0 + HOUR_MS } as const;
    expect(silenceFor([made()], asked(later))).toEqual({ ok: false, error: "over" });
  });

  it.for([
    [SILENCES_MAX - 1, true],
    [SILENCES_MAX, false],
  ] as const)("beside %i others is taken: %s", ([count, isTaken], { expect }) => {
    const others = Array.from({ length: count }, (_, n) => made({ id: `sil_other_${n}` }));
    const over = made({ id: "sil_over", endsAtMs: T0 - 1, startsAtMs: T0 - HOUR_MS });
    expect(silenceFor([...others, over], asked()).ok).toBe(isTaken);
  });

  it("keeps the first change and the last ones", ({ expect }) => {
    let silence = made();
    for (let n = 1; n <= CHANGES_MAX + 5; n += 1) {
      silence = made({ as: "either", comment: `change ${n}`, atMs: T0 + n }, [silence]);
    }
    expect(silence.revision).toBe(CHANGES_MAX + 6);
    expect(silence.changes).toHaveLength(CHANGES_MAX);
    expect(silence.changes[0]?.did).toBe("created");
    expect(silence.changes.at(-1)?.atMs).toBe(T0 + CHANGES_MAX + 5);
  });
});

describe("a silence that is ended", () => {
  it.for([
    ["active", T0 + 5, T0],
    ["pending", T0 - 5, T0 - 5],
  ] as const)("while %s is over at once", ([state, atMs, startsAtMs], { expect }) => {
    const silence = made();
    expect(silenceState(silence, atMs)).toBe(state);
    const ended = endedNow(silence, "ben", atMs);
    expect(ended).toMatchObject({ startsAtMs, endsAtMs: atMs, revision: 2 });
    expect(ended.changes.at(-1)).toEqual({ atMs, by: "ben", did: "expired" });
    expect(silenceState(ended, atMs)).toBe("expired");
  });

  it("after its end is what it was", ({ expect }) => {
    const silence = made();
    expect(endedNow(silence, "ben", T0 + HOUR_MS)).toBe(silence);
  });
});
