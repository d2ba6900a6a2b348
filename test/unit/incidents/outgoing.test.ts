/** Route, mute, say once, throttle and bundle: nobody is told too much at once, and nothing is lost or late that matters. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { isCalm, waitsUntilMs } from "../../../src/notify/bundle.ts";
import { MESSAGE_REASONS } from "../../../src/notify/news.ts";
import { Drive, SMALL_OUTAGE, T0 } from "../../support/incident.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const CHANNELS = [
  { id: "pager", severities: ["SEV-1" as const, "SEV-2" as const] },
  { id: "tickets", severities: ["SEV-3" as const, "SEV-4" as const] },
];
type Row = {
  readonly deliveryId: string;
  readonly why: string;
  readonly news: string;
  readonly body: string;
  readonly message: string;
  readonly bundled?: readonly {
    readonly deliveryId: string;
    readonly why: string;
    readonly message: string;
  }[];
};

class Talk extends Drive {
  constructor() {
    super(SMALL_OUTAGE, CHANNELS, { throttle: { atOnceMax: 3, withinMs: MINUTE } });
    this.open();
    this.do("take_lead", { lead: "p0" });
  }

  /** Each a piece of news that wakes nobody. */
  handOver(times: number, everyMs = SECOND): this {
    for (let n = 1; n <= times; n += 1) {
      this.after(everyMs).do("take_lead", { lead: `p${this.state.seq}` });
    }
    return this;
  }

  rows(type: "message.requested" | "message.held"): readonly Row[] {
    return this.journal.filter((row) => row.type === type).map(({ data }) => data as Row);
  }

  whys(): readonly string[] {
    return this.rows("message.requested").map(({ why }) => why);
  }

  wake(): readonly string[] {
    this.atMs = this.nextWakeAtMs() ?? Number.NaN;
    const answer = this.do("wake", {});
    return Array.isArray(answer) ? answer : [answer.reason];
  }
}

describe("news that wakes nobody", () => {
  it("is said at once three times a minute; what more there is comes as one message", ({
    expect,
  }) => {
    const talk = new Talk().handOver(6);
    expect(talk.whys()).toEqual(["opened", "lead_changed", "lead_changed", "lead_changed"]);
    expect(talk.rows("message.held")).toHaveLength(3);
    expect(talk.wake()).toEqual(["message.requested"]);
    expect(talk.atMs).toBe(T0 + SECOND + MINUTE);
    const bundle = talk.rows("message.requested").at(-1);
    expect(bundle).toMatchObject({
      why: "bundle",
      message: expect.stringMatching(/^bundle:\d+$/),
      bundled: [1, 2, 3].map(() => ({ why: "lead_changed" })),
    });
    expect(bundle?.bundled?.map(({ message }) => message)).toEqual(
      talk.rows("message.held").map(({ message }) => message),
    );
    for (const { news } of talk.rows("message.held")) {
      expect(bundle?.news).toContain(news);
      expect(bundle?.body).toContain(`- ${news}`);
    }
    expect(talk.do("wake", {})).toEqual([]);
  });

  it("that waited alone is said as itself, under its own id", ({ expect }) => {
    const talk = new Talk().handOver(4);
    const [held] = talk.journal.filter(({ type }) => type === "message.held");
    talk.wake();
    const said = talk.journal.findLast(({ type }) => type === "message.requested");
    if (held === undefined) return expect.unreachable();
    const { deliveryId, message } = held.data as { deliveryId: string; message: string };
    expect(said?.data).toMatchObject({ deliveryId, message, why: "lead_changed" });
    expect(said?.data).not.toHaveProperty("bundled");
  });

  it("is said at once again when there was little of it for a minute", ({ expect }) => {
    const talk = new Talk().handOver(8, 21 * SECOND);
    expect(talk.rows("message.held")).toEqual([]);
  });

  it("is kept back by a silence together, and what was kept back is told of as ever", ({
    expect,
  }) => {
    const talk = new Talk().handOver(5);
    const mute = { id: "sil_1", because: "silenced", by: "ada", why: "moving" } as const;
    talk.do("mute", { mutes: [{ ...mute, startsAtMs: T0, endsAtMs: T0 + 10 * MINUTE }] });
    expect(talk.wake()).toEqual(["message.muted"]);
    expect(talk.journal.at(-1)?.data).toMatchObject({
      why: "bundle",
      bundled: [{ why: "lead_changed" }, { why: "lead_changed" }],
    });
    expect(talk.wake()).toEqual(["incident.unmuted", "message.requested"]);
  });
});

describe("what asks, wakes or ends", () => {
  it.for([
    ["an escalation", (talk: Talk) => talk.do("escalate", { why: "help" }), "escalated"],
    ["an answer", (talk: Talk) => talk.do("acknowledge", {}), "acknowledged"],
    ["the end", (talk: Talk) => talk.do("resolve", { why: "over" }), "resolved"],
    [
      "a raise",
      (talk: Talk) => talk.do("set_severity", { severity: "SEV-1", why: "worse" }),
      "severity_raised",
    ],
  ] as const)("%s is said at once, after what waited", ([, happen, why], { expect }) => {
    const talk = new Talk().handOver(6);
    happen(talk);
    expect(talk.whys().slice(-2)).toEqual(["bundle", why]);
    expect(talk.state.heard["pager"]?.held).toEqual([]);
  });

  it("is every reason but those that are named as calm", ({ expect }) => {
    expect(MESSAGE_REASONS.filter((why) => !isCalm(why))).toEqual(
      expect.arrayContaining([
        "opened",
        "severity_raised",
        "approval_needed",
        "ineffective",
        "needs_person",
        "escalated",
        "update_due",
        "recovery_lost",
        "resolved",
        "reopened",
        "unmuted",
      ]),
    );
  });
});

it("whatever is said, in whatever order: nothing is lost, twice, or later than the window", ({
  expect,
}) => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 90 * SECOND }),
    what: fc.constantFrom("hand", "hand", "hand", "escalate", "wake"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const talk = new Talk();
      for (const { afterMs, what } of steps) {
        const untilMs = talk.atMs + afterMs;
        for (
          let due = talk.nextWakeAtMs();
          due !== null && due <= untilMs;
          due = talk.nextWakeAtMs()
        ) {
          talk.atMs = due;
          talk.do("wake", {});
        }
        talk.atMs = untilMs;
        if (what === "hand") talk.do("take_lead", { lead: `p${talk.state.seq}` });
        if (what === "escalate") talk.do("escalate", { why: "help" });
      }
      talk.do("resolve", { why: "over" });
      const asked = talk.rows("message.requested");
      const held = talk.rows("message.held").map(({ deliveryId }) => deliveryId);
      const told = asked.flatMap(({ deliveryId, bundled = [] }) => [
        deliveryId,
        ...bundled.map((one) => one.deliveryId),
      ]);
      expect(new Set(told).size).toBe(told.length);
      expect(told).toEqual(expect.arrayContaining(held));
      const late = talk.journal.filter(
        ({ type, data, atMs }) =>
          type === "message.held" && (data as { untilMs: number }).untilMs - atMs > MINUTE,
      );
      expect(late).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

it("waits for no longer than the oldest of those that were said takes to be forgotten", ({
  expect,
}) => {
  const throttle = { atOnceMax: 2, withinMs: 10 };
  const heard = (...calmAtMs: readonly number[]) => ({ calmAtMs, held: [] });
  expect(waitsUntilMs(heard(), throttle, 20)).toBeNull();
  expect(waitsUntilMs(heard(15), throttle, 20)).toBeNull();
  expect(waitsUntilMs(heard(15, 18), throttle, 20)).toBe(25);
  expect(waitsUntilMs(heard(10, 18), throttle, 20)).toBeNull();
  expect(waitsUntilMs(heard(11, 15, 18), throttle, 20)).toBe(25);
});
