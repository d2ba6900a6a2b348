/** Who owes a post-mortem is reminded, lived by the real object over weeks: exact, evicted, with alarms that come twice or late. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import { T0 } from "../../support/incident.ts";
import { lived } from "./scenario.ts";
import type { World } from "./world.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

const SITE: World["site"] = {
  channels: [
    { id: "pager", severities: ["SEV-1", "SEV-2"] },
    { id: "tickets", severities: ["SEV-3", "SEV-4"] },
  ],
  people: [{ id: "ada", name: "Ada Lovelace", role: "responder" }],
};

const STORIES = {
  "nobody writes it: five reminders, and no more": `
    0s    it opens as SEV-1
    0s      pager: opened
    0s    ada takes the lead
    0s    ada resolves
    0s      pager: resolved
    4d      pager: follow_up_due ada
    5d      pager: follow_up_due ada
    8d      pager: follow_up_due ada
    15d     pager: follow_up_due ada
    30d     pager: follow_up_due ada
    365d  all is said`,
  "the object dies between them and in them, and alarms come twice": `
    0s    it opens as SEV-2
    0s      pager: opened
    0s    ada takes the lead
    0s    ada resolves
    0s      pager: resolved
    1d    the object dies
    4d      pager: follow_up_due ada
    4d    the alarm comes twice
    4d    the object dies
    5d      pager: follow_up_due ada
    6d    the object dies
    7d    the alarm comes twice
    8d      pager: follow_up_due ada
    9d    all is said`,
  "its alarms sleep through three of them: it is said once": `
    0s    it opens as SEV-1
    0s      pager: opened
    0s    ada resolves
    0s      pager: resolved
    1d    alarms sleep
    9d    alarms wake
    9d      pager: follow_up_due
    15d     pager: follow_up_due
    16d   all is said`,
  "once it is complete nobody is reminded of it, but of what was agreed on in it, until that is done": `
    0s    it opens as SEV-1
    0s      pager: opened
    0s    ada resolves
    0s      pager: resolved
    4d      pager: follow_up_due
    100h  ada saves that ada mends it by day 9
    100h  ada completes the post-mortem
    101h  the object dies
    208h    pager: follow_up_due ada
    232h    pager: follow_up_due ada
    11d   ada saves that ada has mended it by day 9
    365d  all is said`,
  "a SEV-3 owes none": `
    0s    it opens as SEV-3
    0s      tickets: opened
    0s    ada resolves
    0s      tickets: resolved
    365d  all is said`,
} as const;

describe("a post-mortem that is owed", () => {
  it.for(Object.entries(STORIES))("%s", async ([, transcript], { expect }) => {
    const { happened, said } = await lived(SITE, transcript);
    expect(happened).toEqual(said);
  });
});
