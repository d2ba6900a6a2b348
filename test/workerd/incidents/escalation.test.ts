/** Who is asked when nobody answers, lived by the real object on a virtual clock: exact, asleep, evicted, and with channels that fail. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import type { Level } from "../../../src/incidents/escalation.ts";
import { RESPONSE_MS } from "../../../src/incidents/severity.ts";
import { T0 } from "../../support/incident.ts";
import { lived } from "./scenario.ts";
import type { World } from "./world.ts";

const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  // Half of the longest backoff, so that a transcript can say when.
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  onTestFinished(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
});

const ON_CALL: Level = { afterMs: null, channels: [], people: ["ada"] };
const MANAGER: Level = { afterMs: 10 * MINUTE, channels: ["phone"], people: ["grace"] };

const site = (over: Partial<World["site"]> = {}): World["site"] => ({
  channels: [
    { id: "pager", severities: ["SEV-1", "SEV-2"] },
    { id: "phone", severities: [] },
    { id: "tickets", severities: ["SEV-3", "SEV-4"] },
  ],
  people: [
    { id: "ada", name: "Ada Lovelace", role: "responder" },
    { id: "grace", name: "Grace Hopper", role: "admin" },
  ],
  escalation: { respondMs: RESPONSE_MS, levels: [ON_CALL, MANAGER], repeat: 1 },
  ...over,
});

/** Each is a story of its own. */
const STORIES = {
  "nobody answers: level by level, once more, and no further": `
    0s    it opens as SEV-1
    0s      pager: opened
    15m     pager: escalated ada
    25m     pager: escalated grace
    25m     phone: escalated grace
    40m     pager: escalated ada
    50m     pager: escalated grace
    50m     phone: escalated grace
    24h   all is said`,
  "the lead goes round: of the news that wakes nobody, what is too much comes as one, across evictions": `
    0s    it opens as SEV-1
    0s      pager: opened
    1s    ada acknowledges
    1s      pager: acknowledged
    2s    ada takes the lead
    3s    bob takes the lead
    3s      pager: lead_changed
    4s    cyd takes the lead
    4s      pager: lead_changed
    5s    dan takes the lead
    5s      pager: lead_changed
    6s    eve takes the lead
    6s      pager: lead_changed
    7s    fay takes the lead
    7s      pager: lead_changed
    8s    gus takes the lead
    9s    the object dies
    10s   hal takes the lead
    11s   the alarm comes twice
    63s     pager: bundle
    64s   ivy takes the lead
    64s     pager: lead_changed
    65s   jim takes the lead
    65s     pager: lead_changed
    66s   kim takes the lead
    66s     pager: lead_changed
    67s   lee takes the lead
    67s     pager: lead_changed
    68s   max takes the lead
    70s   ada resolves
    70s     pager: lead_changed
    70s     pager: resolved
    24h   all is said`,
  "an acknowledgement stops it, and stops whatever rang": `
    0s    it opens as SEV-1
    0s      pager: opened
    15m     pager: escalated ada
    25m     pager: escalated grace
    25m     phone: escalated grace
    26m   grace acknowledges
    26m     pager: acknowledged
    26m     phone: acknowledged
    24h   all is said`,
  "an answer in the pager stops it, told twice and across evictions": `
    0s    it opens as SEV-1
    0s      pager: opened
    15m     pager: escalated ada
    16m   ada acknowledges in the pager
    16m     pager: acknowledged
    17m   the object dies
    18m   ada acknowledges in the pager
    24h   all is said`,
  "resolved in the pager it goes on, and asks nobody else": `
    0s    it opens as SEV-1
    0s      pager: opened
    1m    ada resolves in the pager
    1m      pager: acknowledged
    30m   ada resolves
    30m     pager: resolved
    24h   all is said`,
  "the severity says how long an answer may take": `
    0s    it opens as SEV-3
    0s      tickets: opened
    2h      tickets: escalated ada
    130m    phone: escalated grace
    130m    tickets: escalated grace
    131m  ada acknowledges
    131m    phone: acknowledged
    131m    tickets: acknowledged
    24h   all is said`,
  "raised from 3 to 1, it pages at once, and the answer is due by the new severity": `
    0s    it opens as SEV-3
    0s      tickets: opened
    5m    ada says SEV-1
    5m      pager: severity_raised
    15m     pager: escalated ada
    16m   ada acknowledges
    16m     pager: acknowledged
    16m     tickets: acknowledged
    30m   ada resolves
    30m     pager: resolved
    30m     tickets: resolved
    24h   all is said`,
  "a pager that fails: everybody who can be reached is told, long before the answer is due": `
    0s    pager breaks
    0s    it opens as SEV-1
    2m      phone: escalated
    2m      tickets: escalated
    3m    ada acknowledges
    3m      phone: acknowledged
    3m      tickets: acknowledged
    24h   all is said`,
  "whoever is not asked may be broken: it escalates nothing": `
    0s    tickets breaks
    0s    phone breaks
    0s    it opens as SEV-2
    0s      pager: opened
    1m    ada acknowledges
    1m      pager: acknowledged
    24h   all is said`,
  "one that comes back within the half hour gets what it missed, in order": `
    0s    pager breaks
    0s    phone breaks
    0s    tickets breaks
    0s    it opens as SEV-1
    10m   pager works
    10m   phone works
    602s    pager: opened
    602s    pager: escalated
    602s    phone: escalated
    11m   ada acknowledges
    11m     pager: acknowledged
    11m     phone: acknowledged
    24h   all is said`,
  "the object sleeps through it: late, and one level at a time": `
    0s    it opens as SEV-1
    0s      pager: opened
    1m    alarms sleep
    3h    alarms wake
    3h      pager: escalated ada
    190m    pager: escalated grace
    190m    phone: escalated grace
    191m  ada acknowledges
    191m    pager: acknowledged
    191m    phone: acknowledged
    24h   all is said`,
  "it dies and its alarms come twice: nobody is asked twice": `
    0s    it opens as SEV-1
    0s      pager: opened
    1m    the object dies
    14m   the object dies
    15m     pager: escalated ada
    15m   the alarm comes twice
    20m   the object dies
    25m     pager: escalated grace
    25m     phone: escalated grace
    25m   the alarm comes twice
    26m   ada acknowledges
    26m     pager: acknowledged
    26m     phone: acknowledged
    27m   the object dies
    24h   all is said`,
  "open again, people are asked anew": `
    0s    it opens as SEV-1
    0s      pager: opened
    1m    ada acknowledges
    1m      pager: acknowledged
    2m    ada resolves
    2m      pager: resolved
    10m   ada reopens
    10m     pager: reopened
    25m     pager: escalated ada
    26m   ada acknowledges
    26m     pager: acknowledged
    24h   all is said`,
} as const;

describe("who is asked when nobody answers", () => {
  it.for(Object.entries(STORIES))("%s", async ([, transcript], { expect }) => {
    const { happened, said } = await lived(site(), transcript);
    expect(happened).toEqual(said);
  });

  it("is everybody where no channel hears of the severity", async ({ expect }) => {
    const deaf = site({
      channels: [
        { id: "pager", severities: ["SEV-1"] },
        { id: "phone", severities: [] },
      ],
    });
    const { happened, said } = await lived(
      deaf,
      `0s   it opens as SEV-2
       2m     pager: escalated
       2m     phone: escalated
       3m   ada acknowledges
       3m     pager: acknowledged
       3m     phone: acknowledged
       24h  all is said`,
    );
    expect(happened).toEqual(said);
  });

  it("and what is promised to the public is asked for, until it is over", async ({ expect }) => {
    const { happened, said, life } = await lived(
      site({ updateEveryMs: 30 * MINUTE }),
      `0s    it opens as SEV-2
       0s      pager: opened
       1m    ada acknowledges
       1m      pager: acknowledged
       30m     pager: update_due
       40m   ada tells the public
       50m   the object dies
       70m     pager: update_due
       70m   the alarm comes twice
       80m   ada says SEV-3
       80m     pager: severity_lowered
       80m     tickets: severity_lowered
       24h   all is said`,
    );
    expect(happened).toEqual(said);
    const body = life.world.arrived.find(({ message }) => message.message.startsWith("update_due"))
      ?.message.body;
    expect(body).toContain("- Tell the public what is new, such as ");
    expect(body).toContain("The next update follows within 30m.");
  });

  it("and a lead that changes hands is told, not one that is first taken", async ({ expect }) => {
    const { happened, said } = await lived(
      site(),
      `0s   it opens as SEV-2
       0s     pager: opened
       1m   ada acknowledges
       1m     pager: acknowledged
       2m   ada takes the lead
       3m   ada takes the lead
       9m   grace takes the lead
       9m     pager: lead_changed grace
       24h  all is said`,
    );
    expect(happened).toEqual(said);
  });

  it("and a supplier is asked once somebody says so", async ({ expect }) => {
    const { happened, said } = await lived(
      site(),
      `0s   it opens as SEV-2
       0s     pager: opened
       1m   ada acknowledges
       1m     pager: acknowledged
       2m   neon answers ada
       2m     refused: not_asked
       3m   ada asks neon
       3m     pager: support_asked
       9m   neon answers ada
       9m     pager: support_answered
       24h  all is said`,
    );
    expect(happened).toEqual(said);
  });

  it("is told to the log when nothing gets through", async ({ expect }) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { life } = await lived(
      site(),
      `0s pager breaks
       0s phone breaks
       0s tickets breaks
       0s it opens as SEV-1
       5m all is said`,
    );
    const told = log.mock.calls
      .map(([line]) => String(line))
      .filter((line) => line.includes("inc_"));
    expect(told).toEqual([expect.stringContaining("has reached anybody")]);
    expect(await life.view()).toMatchObject({ reachedAtMs: null });
  });
});
