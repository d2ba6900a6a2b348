/** What can be pressed is what can be done, and one press is one command. */
import { describe, it } from "vitest";
import {
  buttonsOf,
  commandIdOf,
  readPressed,
  writePressed,
  type Pressed,
} from "../../../src/notify/buttons.ts";
import { mitigationId } from "../../../src/http/schemas.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { Drive, DOWN, SMALL_OUTAGE } from "../../support/incident.ts";

const labels = (incident: Drive): readonly string[] => {
  const view = viewOf(incident.state, null);
  return view === null ? [] : buttonsOf(view).map(({ label }) => label);
};
const asking = {
  ...SMALL_OUTAGE,
  mitigate: SMALL_OUTAGE.mitigate.map((step) => ({ ...step, mode: "approve" })),
};

const PRESSED: Pressed = {
  deed: "decline",
  mitigation: `lse_${"a".repeat(26)}`,
  incidentId: "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
  deliveryId: `dlv_${"b".repeat(26)}`,
};

describe("the buttons of a message", () => {
  it("are what nobody has done yet", ({ expect }) => {
    const incident = new Drive().open();
    expect(labels(incident)).toEqual(["Acknowledge", "Take lead", "Resolve"]);
    incident.do("acknowledge", {});
    incident.do("take_lead", { lead: "ada" });
    expect(labels(incident)).toEqual(["Resolve"]);
    incident.do("resolve", { why: "over" });
    expect(labels(incident)).toEqual([]);
  });

  it("ask for what waits, and take back what is in force", ({ expect }) => {
    const waiting = new Drive(asking).open();
    waiting.see(DOWN);
    expect(labels(waiting)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^Approve /),
        expect.stringMatching(/^Decline /),
      ]),
    );
    const [lease] = waiting.state.leases;
    if (lease === undefined) throw new Error("nothing waits");
    waiting.do("approve", { leaseId: mitigationId.parse(lease.id), why: "" });
    expect(labels(waiting)).toContain(`Revert ${lease.actuator}`);
    expect(labels(waiting)).not.toContain(`Approve ${lease.actuator}`);
  });
});

it("are none to approve what needs two people: who presses is not who has the other token", ({
  expect,
}) => {
  const step = { do: "turn-two-keys", with: { to: "right" } };
  const waiting = new Drive({ ...SMALL_OUTAGE, mitigate: [step] }).open();
  waiting.see(DOWN);
  waiting.settle();
  expect(labels(waiting)).toContain("Decline turn-two-keys");
  expect(labels(waiting)).not.toContain("Approve turn-two-keys");
});

describe("what a button says when it is pressed", () => {
  it.for([PRESSED, { ...PRESSED, deed: "acknowledge", mitigation: null } as const])(
    "is read as it was written: %o",
    (pressed, { expect }) => {
      const text = writePressed(pressed);
      expect(text.length).toBeLessThanOrEqual(100);
      expect(readPressed(text)).toEqual(pressed);
    },
  );

  it.for([
    "",
    "open",
    writePressed(PRESSED).replace("decline", "delete"),
    `${writePressed(PRESSED)}:more`,
    writePressed({ ...PRESSED, incidentId: "inc_short" }),
  ])("is nothing else: %s", (text, { expect }) => {
    expect(readPressed(text)).toBeNull();
  });

  it("is one command for one button of one message", ({ expect }) => {
    const others: readonly Pressed[] = [
      { ...PRESSED, deed: "approve" },
      { ...PRESSED, mitigation: `lse_${"c".repeat(26)}` },
      { ...PRESSED, deliveryId: `dlv_${"c".repeat(26)}` },
    ];
    const ids = [PRESSED, ...others].map(commandIdOf);
    expect(new Set(ids).size).toBe(ids.length);
    expect(commandIdOf({ ...PRESSED })).toBe(ids[0]);
  });
});
