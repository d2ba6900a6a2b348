/** What the public knows is asked to be said elsewhere each time it has changed, and only then. */
import { describe, it } from "vitest";
import { Drive, DOWN, ENFORCED, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const PAGES = { publicChannels: [{ id: "page" }, { id: "mail" }] };
const PUBLISHED = {
  ...SMALL_OUTAGE,
  communicate: { status_page: { component: "website", message: "The shop is down." } },
};
const channels = [{ id: "pager", severities: ["SEV-1" as const, "SEV-2" as const] }];
const opened = (spec: unknown = PUBLISHED): Drive => new Drive(spec, channels, PAGES).open();
const asked = ({ journal }: Drive) =>
  journal.flatMap(({ type, data }) =>
    type === "public.requested" ? [data as { channel: string; said: string }] : [],
  );
const count = (incident: Drive): number =>
  asked(incident).filter(({ channel }) => channel === "page").length;

describe("what the public is to read elsewhere", () => {
  it("is asked for at each channel, once for each thing that is said", ({ expect }) => {
    const incident = opened();
    expect(asked(incident).map(({ channel }) => channel)).toEqual(["page", "mail"]);
    incident.see(DOWN);
    const before = count(incident);
    incident.after(1_000).see(DOWN);
    expect(count(incident)).toBe(before);
    incident.do("publish", { message: "We know why.", status: "identified", component: null });
    expect(count(incident)).toBe(before + 1);
    incident.do("note", { text: "for us alone" });
    expect(count(incident)).toBe(before + 1);
  });

  it("weighs otherwise when the severity does", ({ expect }) => {
    const incident = opened();
    const before = count(incident);
    incident.do("set_severity", { severity: "SEV-4", why: "one page only" });
    expect(count(incident)).toBe(before + 1);
    expect(asked(incident).at(-1)?.said).toContain("minor");
  });

  it("ends where nothing touches every visitor any more, although our page told of nothing else", ({
    expect,
  }) => {
    const incident = opened(SMALL_OUTAGE);
    expect(asked(incident)).toEqual([]);
    incident.see(DOWN);
    incident.settle();
    incident.after(1_000).see(ENFORCED);
    expect(count(incident)).toBe(1);
    incident.do("release_all", { why: "not needed" });
    incident.settle();
    expect(asked(incident).at(-1)?.said).toBe("gone");
    const before = count(incident);
    incident.after(1_000).see(WELL);
    expect(count(incident)).toBe(before);
  });

  it("is nothing of a rehearsal", ({ expect }) => {
    const incident = new Drive(PUBLISHED, channels, PAGES);
    const { bundled } = incident;
    incident.do("open", {
      incidentId: `inc_${"1".repeat(26)}`,
      instance: "test.unit",
      scope: "site",
      title: "Drill",
      playbook: bundled,
      params: {},
      severity: "SEV-1",
      onsetAtMs: incident.atMs,
      rules: {},
      readings: [],
      drill: true,
    });
    expect(asked(incident)).toEqual([]);
  });

  it("reaches nobody who must be woken, and is told of when it cannot be said", ({ expect }) => {
    const incident = opened();
    for (const [effectId, { kind }] of Array.from(incident.pending)) {
      if (kind !== "public.send") continue;
      const isOk = incident.state.relayed["page"]?.ref === null;
      const failure = { class: "refuse", detail: "the receiver answered 401" } as const;
      const outcome = isOk
        ? ({ ok: true, value: { status: 201, ref: "inc1" } } as const)
        : ({ ok: false, failure } as const);
      incident.do("report_effect", { effectId, outcome });
    }
    expect(incident.state.reachedAtMs).toBeNull();
    expect(incident.state.relayed["page"]?.ref).toBe("inc1");
    const told = incident.journal.filter(
      ({ type, data }) =>
        type === "message.requested" && JSON.stringify(data).includes("public_failed:mail"),
    );
    expect(told).toHaveLength(1);
  });
});
