/** What every act owes, whatever it does: run this suite for each one in the registry, against the vendor's stand-in. */
import { describe, it } from "vitest";
import type { Reach } from "../../src/mitigations/actuator.ts";
import type { Act, StoredAct, StoredJudgedAct } from "../../src/mitigations/opaque.ts";

/** How the call that changes something goes wrong. `answer_lost` does it all the same. */
export type ChangeFault = "429" | "5xx" | "403" | "timeout" | "answer_lost";

export type ActGround = {
  readonly reach: Reach;
  /** The same system when nobody answers. */
  readonly unreachable: Reach;
  /** How often it was done. */
  readonly timesDone: () => Promise<number>;
  /** Moves whenever the outside changed. */
  readonly version: () => Promise<unknown>;
  /** The next change goes wrong. */
  readonly failNextChange: (fault: ChangeFault) => Promise<void>;
  /** Somebody else changes what the act was judged on. */
  readonly interfere: () => Promise<void>;
};

export type ActUnderTest = {
  readonly act: Act;
  readonly options: Readonly<Record<string, unknown>>;
  /** Options it must refuse, and the field it must name. */
  readonly badOptions: readonly {
    readonly options: Readonly<Record<string, unknown>>;
    readonly field: string;
  }[];
  readonly onsetAtMs: number;
  /** What the ground's reach knows and no failure may repeat. */
  readonly secret: string;
  /** A fresh one for each test, in which there is something to do. */
  readonly ground: () => Promise<ActGround>;
  readonly nature?: Partial<ActNature>;
};

/** What lies in an act's nature, and what it owes then. */
export type ActNature = {
  /**
   * When what it was judged on has changed. `refuses`: nobody judged what is there now. `finds_nothing`: it was about what may go by
   * itself, such as a query; what has gone is done with.
   */
  readonly whenChanged: "refuses" | "finds_nothing";
  /** Another act of the same kind about the same. `deeds_of_their_own`: each is done, once, such as ending sessions as of now. */
  readonly twoActs: "one_is_done" | "deeds_of_their_own";
  /** What can be read of it afterwards: all that it said, or no more than that it is done. */
  readonly remembers: "what_it_did" | "that_it_is_done";
  /** A judgement without what moves with the clock, such as ages. */
  readonly steady: (judgement: unknown) => unknown;
};
const USUAL: ActNature = {
  whenChanged: "refuses",
  twoActs: "one_is_done",
  remembers: "what_it_did",
  steady: (judgement) => judgement,
};

/** Stands in reasons and broken journals; no failure may repeat it. */
const SECRET = "hunter2-of-the-test";

export function actContract(given: ActUnderTest): void {
  describe(`the act contract, kept by ${given.act.id}`, () => {
    judging(given);
    performing(given);
    failing(given);
    describing(given);
  });
}

const asked = ({ options, onsetAtMs }: ActUnderTest): StoredAct => ({
  id: "act_00000000000000000000000001",
  incidentId: "inc_contract",
  options,
  reason: `outage ${SECRET}`,
  onsetAtMs,
});

const natureOf = ({ nature }: ActUnderTest): ActNature => ({ ...USUAL, ...nature });

/** The act as the journal gives it back once it was judged. */
async function judged(
  given: ActUnderTest,
  { reach }: Pick<ActGround, "reach">,
): Promise<StoredJudgedAct> {
  const judgement = await given.act.judge(asked(given), reach);
  if (!judgement.ok) throw new Error(judgement.error.detail);
  return { ...asked(given), judged: JSON.parse(JSON.stringify(judgement.value.judged)) as unknown };
}

function judging(given: ActUnderTest): void {
  const { steady } = natureOf(given);

  it("says what it would do, the same each time, and changes nothing", async ({ expect }) => {
    const ground = await given.ground();
    const before = await ground.version();
    const [first, second] = [
      await given.act.judge(asked(given), ground.reach),
      await given.act.judge(asked(given), ground.reach),
    ];
    expect(first).toMatchObject({ ok: true, value: { says: expect.stringMatching(/\w+ \w+/) } });
    expect(steady(second)).toEqual(steady(first));
    expect(await ground.version()).toEqual(before);
    expect(await ground.timesDone()).toBe(0);
  });
}

function performing(given: ActUnderTest): void {
  const { act } = given;
  const { whenChanged, twoActs, remembers } = natureOf(given);

  it("performed twice is done once", async ({ expect }) => {
    const ground = await given.ground();
    const one = await judged(given, ground);
    expect(await act.perform(one, ground.reach)).toMatchObject({ ok: true });
    const after = await ground.version();
    await act.perform(one, ground.reach);
    expect(await ground.timesDone()).toBe(1);
    expect(await ground.version()).toEqual(after);
  });

  it("confirms what was done although nobody wrote it down, as after a crash", async ({
    expect,
  }) => {
    const ground = await given.ground();
    const one = await judged(given, ground);
    expect(await act.confirm(one, ground.reach)).toEqual({ ok: true, value: { done: false } });
    const done = await act.perform(one, ground.reach);
    if (!done.ok) throw new Error(done.error.detail);
    const remembered =
      remembers === "what_it_did"
        ? done.value
        : { says: expect.stringMatching(/\w+ \w+/), receipt: expect.anything() };
    expect(await act.confirm(one, ground.reach)).toEqual({
      ok: true,
      value: { done: true, ...remembered },
    });
  });

  it("touches nothing when what it was judged on has changed", async ({ expect }) => {
    const ground = await given.ground();
    const one = await judged(given, ground);
    await ground.interfere();
    const before = await ground.version();
    expect(await act.perform(one, ground.reach)).toMatchObject(
      whenChanged === "refuses" ? { ok: false, error: { class: "refuse" } } : { ok: true },
    );
    expect(await ground.version()).toEqual(before);
    expect(await ground.timesDone()).toBe(0);
  });

  it("keeps two acts apart", async ({ expect }) => {
    const ground = await given.ground();
    const one = await judged(given, ground);
    await act.perform(one, ground.reach);
    const other = { ...one, id: "act_00000000000000000000000002" } as const;
    await act.perform(other, ground.reach);
    expect(await ground.timesDone()).toBe(twoActs === "one_is_done" ? 1 : 2);
  });
}

function failing(given: ActUnderTest): void {
  const { act } = given;

  it.for([
    ["429", "retry"],
    ["5xx", "unknown_outcome"],
    ["timeout", "unknown_outcome"],
  ] as const)(
    "may be tried again after a %s, which it calls %s",
    async ([fault, kind], { expect }) => {
      const ground = await given.ground();
      const one = await judged(given, ground);
      await ground.failNextChange(fault);
      expect(await act.perform(one, ground.reach)).toMatchObject({
        ok: false,
        error: { class: kind },
      });
      expect(await ground.timesDone()).toBe(0);
      if (kind === "unknown_outcome") {
        expect(await act.confirm(one, ground.reach)).toEqual({ ok: true, value: { done: false } });
      }
    },
  );

  it("is refused for good by a 4xx", async ({ expect }) => {
    const ground = await given.ground();
    const one = await judged(given, ground);
    await ground.failNextChange("403");
    expect(await act.perform(one, ground.reach)).toMatchObject({
      ok: false,
      error: { class: "refuse" },
    });
  });

  it("does not claim to know what became of it when the answer is lost, and finds out", async ({
    expect,
  }) => {
    const ground = await given.ground();
    const one = await judged(given, ground);
    await ground.failNextChange("answer_lost");
    expect(await act.perform(one, ground.reach)).toMatchObject({
      ok: false,
      error: { class: "unknown_outcome" },
    });
    expect(await act.confirm(one, ground.reach)).toMatchObject({ ok: true, value: { done: true } });
    expect(await ground.timesDone()).toBe(1);
  });

  it("repeats no secret, whatever goes wrong", async ({ expect }) => {
    const ground = await given.ground();
    const one = await judged(given, ground);
    const broken = [
      { ...one, options: { [SECRET]: SECRET } },
      { ...one, judged: { [SECRET]: SECRET } },
    ];
    const answers: unknown[] = [
      await act.judge(one, ground.unreachable),
      await act.perform(one, ground.unreachable),
      await act.confirm(one, ground.unreachable),
    ];
    for (const answer of answers) expect(answer).toMatchObject({ ok: false });
    for (const bad of broken) {
      for (const call of [act.perform, act.confirm]) {
        const answer = await call(bad, ground.reach);
        expect(answer).toMatchObject({ ok: false, error: { class: "refuse" } });
        answers.push(answer);
      }
    }
    await ground.failNextChange("403");
    answers.push(await act.perform(one, ground.reach));
    for (const answer of answers) {
      expect(JSON.stringify(answer)).not.toContain(SECRET);
      expect(JSON.stringify(answer)).not.toContain(given.secret);
    }
    expect(await ground.timesDone()).toBe(0);
  });
}

function describing({ act, options, badOptions }: ActUnderTest): void {
  it("takes its own options, and names the field of any other", ({ expect }) => {
    expect(act.words.problemsWith(options)).toEqual([]);
    for (const bad of badOptions) {
      expect(act.words.problemsWith(bad.options).join("\n")).toContain(bad.field);
    }
  });
}
