import { describe, it } from "vitest";
import {
  nextStep,
  type LadderAttempt,
  type LadderStep,
  type LadderView,
} from "../../../src/mitigations/ladder.ts";

const step = (id: string, given: Partial<LadderStep> = {}): LadderStep => ({
  id,
  mode: "auto",
  siteWide: false,
  isBeside: false,
  missing: null,
  condition: null,
  ...given,
});
const attempt = (of: string, given: Partial<LadderAttempt> = {}): LadderAttempt => ({
  step: of,
  status: "reverted",
  because: "recovered",
  shadow: false,
  isEarlier: false,
  isAside: false,
  isAsked: false,
  ...given,
});
const ladder = (given: Partial<LadderView> = {}): LadderView => ({
  steps: [step("first"), step("second")],
  attempts: [],
  evidenceKinds: 2,
  autopilot: "on",
  ...given,
});

describe("the next step of the ladder", () => {
  it("is the first", ({ expect }) => {
    expect(nextStep(ladder())).toEqual({ answer: "take", step: "first", attempt: 1, skipped: [] });
  });

  it.for([
    "proposed",
    "applying",
    "applied",
    "effective",
    "ineffective",
    "releasing",
    "reverting",
    "expired",
  ] as const)("waits while an attempt is %s", (status, { expect }) => {
    expect(nextStep(ladder({ attempts: [attempt("first", { status })] }))).toEqual({
      answer: "busy",
    });
  });

  it.for([
    { because: "recovered", next: "first" },
    { because: "expired", next: "first" },
    { because: "ineffective", next: "second" },
    { because: "failed", next: "second" },
  ])(
    "after an attempt that ended because $because is the $next",
    ({ because, next }, { expect }) => {
      expect(nextStep(ladder({ attempts: [attempt("first", { because })] }))).toMatchObject({
        answer: "take",
        step: next,
      });
    },
  );

  it("is none once a person has taken one back, until the incident is opened again", ({
    expect,
  }) => {
    const byHand = attempt("first", { because: "person" });
    expect(nextStep(ladder({ attempts: [byHand] }))).toEqual({
      answer: "hold",
      skipped: [
        { step: "second", why: "a person took a mitigation back: people decide from here" },
      ],
    });
    expect(nextStep(ladder({ attempts: [{ ...byHand, isEarlier: true }] }))).toMatchObject({
      answer: "take",
      step: "first",
    });
  });

  it("does not mind what a person applied and took back beside the ladder", ({ expect }) => {
    const beside = attempt("by-hand-read-only", { because: "person" });
    expect(nextStep(ladder({ attempts: [beside] }))).toMatchObject({
      answer: "take",
      step: "first",
    });
  });

  it("is made ready when it is for a person to start, whatever else holds", ({ expect }) => {
    const steps = [step("first", { mode: "manual", siteWide: true }), step("second")];
    const view = ladder({ steps, evidenceKinds: 1, autopilot: "off" });
    expect(nextStep(view)).toEqual({ answer: "prepare", step: "first", attempt: 1, skipped: [] });
    const prepared = attempt("first", { status: "proposed", because: null, isAside: true });
    expect(nextStep({ ...view, autopilot: "on", attempts: [prepared] })).toMatchObject({
      answer: "take",
      step: "second",
    });
  });

  it("passes by what this deploy cannot do, and says what it lacks", ({ expect }) => {
    const steps = [
      step("first", { missing: "ZONE is not set", condition: "unknown" }),
      step("second"),
    ];
    expect(nextStep(ladder({ steps }))).toEqual({
      answer: "take",
      step: "second",
      attempt: 1,
      skipped: [{ step: "first", why: "ZONE is not set" }],
    });
    const only = ladder({ steps: steps.slice(0, 1), autopilot: "off" });
    expect(nextStep(only)).toMatchObject({ answer: "exhausted", skipped: [{ step: "first" }] });
  });

  it("goes on beside one that mends nothing, whatever becomes of it", ({ expect }) => {
    const steps = [step("first", { isBeside: true }), step("second")];
    expect(nextStep(ladder({ steps }))).toMatchObject({ answer: "prepare", step: "first" });
    const begun = attempt("first", { status: "applying", because: null, isAside: true });
    expect(nextStep(ladder({ steps, attempts: [begun] }))).toMatchObject({
      answer: "take",
      step: "second",
    });
    const unknown = [step("first", { isBeside: true, condition: "unknown" }), step("second")];
    expect(nextStep(ladder({ steps: unknown }))).toMatchObject({ answer: "take", step: "second" });
    const off = ladder({ steps, autopilot: "off" });
    expect(nextStep(off)).toMatchObject({ answer: "hold", skipped: [{}, {}] });
  });

  it("waits while a person's step that was made ready is being applied", ({ expect }) => {
    const begun = attempt("first", { status: "applying", because: null });
    expect(nextStep(ladder({ attempts: [begun] }))).toEqual({ answer: "busy" });
  });

  it.for([
    { what: "not called for", given: { condition: "false" }, next: "second" },
    { what: "broken", given: { condition: "broken" }, next: "second" },
  ] as const)("passes over one that is $what", ({ given, next }, { expect }) => {
    expect(nextStep(ladder({ steps: [step("first", given), step("second")] }))).toMatchObject({
      answer: "take",
      step: next,
      skipped: [{ step: "first" }],
    });
  });

  it.for([
    {
      what: "its condition is unknown",
      view: { steps: [step("first", { condition: "unknown" }), step("second")] },
    },
    { what: "the autopilot is off", view: { autopilot: "off" } },
    {
      what: "it is site-wide on one kind of evidence",
      view: { steps: [step("first", { siteWide: true }), step("second")], evidenceKinds: 1 },
    },
  ] as const)("is held, and not replaced by a later one, while $what", ({ view }, { expect }) => {
    expect(nextStep(ladder(view))).toMatchObject({ answer: "hold", skipped: [{ step: "first" }] });
  });

  it("is the one after what helps alongside, and what was asked of a person", ({ expect }) => {
    const helping = attempt("first", { status: "effective", because: null, isAside: true });
    expect(nextStep(ladder({ attempts: [helping] }))).toMatchObject({
      answer: "take",
      step: "second",
    });
    const asked = attempt("first", { status: "proposed", isAside: true, isAsked: true });
    expect(nextStep(ladder({ attempts: [asked] }))).toMatchObject({ step: "second" });
  });

  it("is not exhausted while a person has not answered, and is when what helps does not cure", ({
    expect,
  }) => {
    const second = attempt("second", { status: "effective", because: null, isAside: true });
    const asked = attempt("first", { status: "proposed", isAside: true, isAsked: true });
    expect(nextStep(ladder({ attempts: [asked, second] }))).toMatchObject({ answer: "hold" });
    const helping = attempt("first", { status: "effective", because: null, isAside: true });
    expect(nextStep(ladder({ attempts: [helping, second] }))).toMatchObject({
      answer: "exhausted",
    });
  });

  it("is exhausted when all were in vain", ({ expect }) => {
    const attempts = ["first", "second"].map((id) => attempt(id, { because: "ineffective" }));
    expect(nextStep(ladder({ attempts }))).toEqual({ answer: "exhausted", skipped: [] });
  });
});
