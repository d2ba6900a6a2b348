import { describe, it } from "vitest";
import type { Outcome } from "../../../gamedays/answer.ts";
import {
  boundariesOf,
  countPhases,
  flickering,
  visitorsWho,
  type Visit,
} from "../../../gamedays/measure.ts";

const LETTERS: Readonly<Record<string, Outcome>> = {
  s: "served",
  f: "failed",
  r: "refused",
  b: "broken",
  l: "lost",
};

/** One visit each 100 ms from 0, one letter each; visitors take turns. */
const visitsOf = (letters: string, visitors = 1): readonly Visit[] =>
  letters.split("").map((letter, index) => ({
    atMs: index * 100,
    tookMs: 1,
    visitor: `v${index % visitors}`,
    errand: "read",
    outcome: LETTERS[letter] ?? "lost",
  }));

const faultAt = (faultAtMs: number | null, releaseAtMs: number | null = null) => ({
  faultAtMs,
  releaseAtMs,
});

describe("boundaries", () => {
  it("are where visitors felt the change", ({ expect }) => {
    //                        0123456789012345
    const visits = visitsOf("sssfffrrrrrsrsss");
    expect(boundariesOf(visits, faultAt(250))).toEqual({
      faultAtMs: 250,
      enforcedAtMs: 600,
      firstBackAtMs: 1_100,
      allBackAtMs: 1_300,
    });
  });

  it("a last error that slips through puts enforcement after it", ({ expect }) => {
    expect(boundariesOf(visitsOf("ffrrfrrr"), faultAt(0)).enforcedAtMs).toBe(500);
  });

  it("never enforced when nobody was refused, nor when the last visit still failed", ({
    expect,
  }) => {
    expect(boundariesOf(visitsOf("sffff"), faultAt(50)).enforcedAtMs).toBeNull();
    expect(boundariesOf(visitsOf("sffrf"), faultAt(50)).enforcedAtMs).toBeNull();
  });

  it("production's error after the release began is not a leak of the mitigation", ({ expect }) => {
    const visits = visitsOf("frrrfrss");
    expect(boundariesOf(visits, faultAt(0, 350))).toMatchObject({
      enforcedAtMs: 100,
      firstBackAtMs: 400,
    });
    expect(boundariesOf(visits, faultAt(0)).enforcedAtMs).toBe(500);
  });

  it("keep visits of the same millisecond apart", ({ expect }) => {
    const visits = visitsOf("frrs").map((visit) => ({ ...visit, atMs: visit.atMs > 0 ? 100 : 0 }));
    const boundaries = boundariesOf(visits, faultAt(0));
    expect(boundaries).toMatchObject({ enforcedAtMs: 100, allBackAtMs: 101 });
    const afterwards = countPhases(visits, boundaries).find(({ phase }) => phase === "afterwards");
    expect(afterwards?.refused).toBe(0);
  });

  it("do not depend on the order in which visits ended", ({ expect }) => {
    const visits = visitsOf("ssffrrss");
    expect(boundariesOf(visits.toReversed(), faultAt(150))).toEqual(
      boundariesOf(visits, faultAt(150)),
    );
  });

  it("know nobody back while all are refused, and nobody all back before the last refusal", ({
    expect,
  }) => {
    expect(boundariesOf(visitsOf("frrr"), faultAt(0))).toMatchObject({
      firstBackAtMs: null,
      allBackAtMs: null,
    });
    expect(boundariesOf(visitsOf("frsr"), faultAt(0)).allBackAtMs).toBeNull();
  });
});

describe("phases", () => {
  it("count every visit once, in the phase that it was sent in", ({ expect }) => {
    const visits = visitsOf("sssfffrrlrrsrsss");
    const phases = countPhases(visits, boundariesOf(visits, faultAt(250)));
    expect(
      phases.map(({ phase, served, refused, failed, broken }) => [
        phase,
        served,
        refused,
        failed,
        broken,
      ]),
    ).toEqual([
      ["calm", 3, 0, 0, 0],
      ["unprotected", 0, 2, 3, 1],
      ["maintenance", 0, 2, 0, 0],
      ["release", 1, 1, 0, 0],
      ["afterwards", 3, 0, 0, 0],
    ]);
  });

  it("a visit that was under way when the fault struck is not of the calm", ({ expect }) => {
    const visits = visitsOf("ssfr").map((visit) => ({ ...visit, tookMs: 100 }));
    const phases = countPhases(visits, boundariesOf(visits, faultAt(250)));
    expect(phases.slice(0, 2)).toMatchObject([
      { phase: "calm", served: 2, failed: 0 },
      { phase: "unprotected", served: 0, failed: 1 },
    ]);
  });

  it("without a fault all is calm, and the phases that never began are empty", ({ expect }) => {
    const visits = visitsOf("ssss");
    const [calm, ...others] = countPhases(visits, boundariesOf(visits, faultAt(null)));
    expect(calm?.served).toBe(4);
    expect(others.every(({ served, seconds }) => served === 0 && seconds === 0)).toBe(true);
  });

  it("a mitigation that never ends keeps the rest in its phase", ({ expect }) => {
    const visits = visitsOf("sfrrr");
    const phases = countPhases(visits, boundariesOf(visits, faultAt(50)));
    expect(phases.find(({ phase }) => phase === "maintenance")?.refused).toBe(3);
  });
});

describe("flickering", () => {
  it("names who saw the site and then the maintenance page again", ({ expect }) => {
    // v0: r s r, v1: r r s
    expect(flickering(visitsOf("rrsrrs", 2), 0)).toEqual(["v0"]);
  });

  it("takes no notice of what came before the mitigation", ({ expect }) => {
    expect(flickering(visitsOf("ssrr"), 200)).toEqual([]);
  });
});

it("visitorsWho counts each visitor once, inside the span alone", ({ expect }) => {
  const visits = visitsOf("ssrsss", 2);
  expect(visitorsWho(visits, "served", [0, 500])).toEqual(new Set(["v0", "v1"]));
  expect(visitorsWho(visits, "refused", [0, 200]).size).toBe(0);
  expect(visitorsWho(visits, "refused", [200, 300]).size).toBe(1);
});
