import { describe, it } from "vitest";
import type { IncidentMute } from "../../../src/incidents/mutes.ts";
import { Drive, DOWN, ENFORCED, T0, WELL } from "../../support/incident.ts";

const MINUTE_MS = 60_000;
const CHANNELS = [
  { id: "pager", severities: ["SEV-1", "SEV-2"] },
  { id: "tickets", severities: ["SEV-3", "SEV-4"] },
] as const;

const aMute = (given: Partial<IncidentMute> = {}): IncidentMute => ({
  id: "sil_1",
  because: "silenced",
  by: "ada",
  why: "we move the database",
  matchers: ['playbook="small-outage"'],
  startsAtMs: T0,
  endsAtMs: T0 + 60 * MINUTE_MS,
  ...given,
});

class Muted extends Drive {
  constructor() {
    super(
      undefined,
      CHANNELS.map(({ id, severities }) => ({ id, severities: [...severities] })),
    );
  }

  mute(...mutes: readonly IncidentMute[]) {
    return this.do("mute", { mutes });
  }

  /** An alarm at the moment that the incident asks for. */
  wake() {
    const atMs = this.nextWakeAtMs();
    if (atMs === null) throw new Error("it waits for nothing");
    this.atMs = Math.max(this.atMs, atMs);
    return this.do("wake", {});
  }

  /** What was asked for or kept back, by its reason. */
  messages(type: "message.requested" | "message.muted"): string[] {
    return this.journal
      .filter((row) => row.type === type)
      .map(({ data }) => (data as { why: string }).why);
  }
}

const opened = (...mutes: readonly IncidentMute[]): Muted => {
  const drive = new Muted();
  const { spec } = drive.bundled;
  drive.do("open", {
    incidentId: "inc_01TEST00000000000000000000",
    instance: "test.unit",
    scope: "site",
    title: spec.title,
    playbook: drive.bundled,
    params: {},
    severity: spec.severity.base,
    onsetAtMs: T0,
    rules: { probes: { status: "firing", sinceMs: T0 } },
    readings: [],
    drill: false,
    mutes,
  });
  return drive;
};

describe("a silenced incident", () => {
  it("tells nobody that it opened, says why, and mitigates all the same", ({ expect }) => {
    const drive = opened(aMute());
    expect(drive.messages("message.requested")).toEqual([]);
    expect(drive.journal.find(({ type }) => type === "message.muted")?.data).toMatchObject({
      channel: "pager",
      message: "opened",
      because: "silenced",
      mute: "sil_1",
      untilMs: T0 + 60 * MINUTE_MS,
    });
    drive.see(DOWN);
    drive.settle();
    drive.after(1_000).see(ENFORCED);
    expect(drive.lease?.status).toBe("effective");
    expect(drive.messages("message.requested")).toEqual([]);
    expect(drive.messages("message.muted")).toContain("mitigated");
  });

  it("asks nobody to answer, and takes nobody for unreached, until its silence ends", ({
    expect,
  }) => {
    const drive = opened(aMute());
    expect(drive.nextWakeAtMs()).toBe(T0 + 60 * MINUTE_MS);
    expect(drive.wake()).toEqual(["incident.unmuted", "message.requested"]);
    expect(drive.messages("message.requested")).toEqual(["unmuted"]);
    // From then on people have as long to answer as ever.
    drive.settle();
    expect(drive.wake()).toEqual(["incident.escalated", "message.requested"]);
    expect(drive.atMs).toBe(T0 + 90 * MINUTE_MS);
  });

  it("tells how it stands once its silence was ended early", ({ expect }) => {
    const drive = opened(aMute()).after(5 * MINUTE_MS);
    drive.mute(aMute({ endsAtMs: drive.atMs }));
    expect(drive.messages("message.requested")).toEqual(["unmuted"]);
    const text = drive.journal.find(({ type }) => type === "message.requested")?.data;
    expect(text).toMatchObject({
      subject: "SEV-2 is still open: Outage in small (Test)",
      news: "Heard again: one message was kept back, and it is still open.",
    });
  });

  it("tells nothing when it was over before its silence was", ({ expect }) => {
    const drive = opened(aMute()).after(MINUTE_MS);
    drive.do("resolve", { why: "a false alarm" });
    expect(drive.messages("message.requested")).toEqual([]);
    expect(drive.messages("message.muted")).toEqual(["opened", "resolved"]);
    expect(drive.wake()).toEqual(["postmortem.chased", "message.requested"]);
  });

  it("still ends what rang, and hears an answer", ({ expect }) => {
    const drive = opened().after(MINUTE_MS);
    drive.settle();
    drive.mute(aMute({ startsAtMs: drive.atMs }));
    drive.do("acknowledge", {});
    drive.do("resolve", { why: "done" });
    expect(drive.messages("message.requested")).toEqual(["opened", "acknowledged", "resolved"]);
    expect(drive.messages("message.muted")).toEqual([]);
  });

  it("is heard by whom a person calls for", ({ expect }) => {
    const drive = opened(aMute());
    drive.do("escalate", { why: "it is no maintenance" });
    expect(drive.messages("message.requested")).toEqual(["escalated"]);
  });

  it("is heard at once at a severity that the silence does not mean", ({ expect }) => {
    const drive = opened(aMute({ matchers: ['severity!="SEV-1"', 'playbook="small-outage"'] }));
    expect(drive.messages("message.requested")).toEqual([]);
    drive.do("set_severity", { severity: "SEV-1", why: "everybody is hit" });
    expect(drive.messages("message.requested")).toEqual(["severity_raised"]);
  });

  it("is silent from the start of its silence, not before", ({ expect }) => {
    const drive = opened(aMute({ startsAtMs: T0 + 10 * MINUTE_MS }));
    expect(drive.messages("message.requested")).toEqual(["opened"]);
    drive.settle();
    drive.after(10 * MINUTE_MS).do("set_severity", { severity: "SEV-1", why: "worse" });
    expect(drive.messages("message.muted")).toEqual(["severity_raised"]);
  });

  it("is quiet until the last of what overlaps ends", ({ expect }) => {
    const later = { startsAtMs: T0 + 50 * MINUTE_MS, endsAtMs: T0 + 80 * MINUTE_MS };
    const drive = opened(aMute(), aMute({ id: "win_1", because: "maintenance", ...later }));
    expect(drive.nextWakeAtMs()).toBe(T0 + 80 * MINUTE_MS);
  });

  it("does not mind what is said twice, or is over and was never known", ({ expect }) => {
    const drive = opened(aMute());
    expect(drive.mute(aMute())).toEqual([]);
    expect(drive.mute(aMute({ id: "sil_2", endsAtMs: drive.atMs }))).toEqual([]);
  });

  it("that opens again asks again, when nothing keeps it quiet any more", ({ expect }) => {
    const drive = opened(aMute()).after(MINUTE_MS);
    drive.do("resolve", { why: "done" });
    drive.after(60 * MINUTE_MS).do("reopen", { why: "it is back" });
    expect(drive.messages("message.requested")).toEqual(["reopened"]);
  });

  it("recovers by itself without a word", ({ expect }) => {
    const drive = opened(aMute());
    drive.see(DOWN);
    drive.settle();
    for (let minute = 0; minute < 8; minute += 1) {
      drive.after(30_000).see(WELL);
      drive.settle();
    }
    expect(drive.state.status).toBe("resolved");
    expect(drive.messages("message.requested")).toEqual([]);
  });
});

describe("an incident whose alert flaps", () => {
  const flaps = (drive: Drive): IncidentMute => ({
    id: "alerts",
    because: "flapping",
    by: "alertmanager a",
    why: "Disk is full begins and ends again and again; quiet until it stops to",
    startsAtMs: drive.atMs,
    endsAtMs: drive.atMs + 24 * 60 * MINUTE_MS,
  });

  it("says so once, then nothing, and then how it stands", ({ expect }) => {
    const drive = opened().after(MINUTE_MS);
    drive.mute(flaps(drive));
    expect(drive.messages("message.requested")).toEqual(["opened", "flapping"]);
    drive.after(MINUTE_MS).do("set_severity", { severity: "SEV-1", why: "worse" });
    expect(drive.messages("message.requested")).toEqual(["opened", "flapping"]);
    drive.after(MINUTE_MS).mute({ ...flaps(drive), why: "it can be heard", endsAtMs: drive.atMs });
    expect(drive.messages("message.requested")).toEqual(["opened", "flapping", "unmuted"]);
  });

  it("says how it stands although nothing was kept back", ({ expect }) => {
    const drive = opened().after(MINUTE_MS);
    drive.mute(flaps(drive));
    drive.after(MINUTE_MS).mute({ ...flaps(drive), endsAtMs: drive.atMs });
    expect(drive.messages("message.requested")).toEqual(["opened", "flapping", "unmuted"]);
  });

  it("does not even say that while it is silenced", ({ expect }) => {
    const drive = opened(aMute()).after(MINUTE_MS);
    drive.mute(flaps(drive));
    expect(drive.messages("message.requested")).toEqual([]);
    expect(drive.messages("message.muted")).toEqual(["opened", "flapping"]);
  });
});
