/** From signals to everything that goes out: pages, tickets and the public's page, lived by the real object on a virtual clock. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
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

const SITE: World["site"] = {
  channels: [
    { id: "pager", severities: ["SEV-1", "SEV-2"] },
    { id: "chat", severities: ["SEV-1", "SEV-2", "SEV-3"] },
    { id: "tickets", severities: ["SEV-3", "SEV-4"] },
  ],
  people: [{ id: "ada", name: "Ada Lovelace", role: "responder" }],
  escalation: {
    respondMs: RESPONSE_MS,
    levels: [{ afterMs: null, channels: [], people: ["ada"] }],
    repeat: 0,
  },
  updateEveryMs: 30 * MINUTE,
};

const STORIES = {
  "it is seen, mitigated, and taken back": `
    0s    visitors are failed
    0s      chat: opened
    0s      pager: opened
    0s      page: investigating
    5s      chat: severity_raised
    5s      pager: severity_raised
    5s      page: identified
    5s      page: monitoring
    10s     chat: mitigated
    10s     pager: mitigated
    1m    ada acknowledges
    1m      chat: acknowledged
    1m      pager: acknowledged
    10m   visitors are served
    605s    chat: recovery
    605s    pager: recovery
    645s    chat: released
    645s    pager: released
    705s    chat: resolved
    705s    pager: resolved
    705s    page: resolved
    24h   all is said`,
  "the object dies and its alarms come twice: nothing is said twice": `
    0s    visitors are failed
    0s      chat: opened
    0s      pager: opened
    0s      page: investigating
    3s    the object dies
    5s      chat: severity_raised
    5s      pager: severity_raised
    5s      page: identified
    5s      page: monitoring
    7s    the alarm comes twice
    8s    the object dies
    10s     chat: mitigated
    10s     pager: mitigated
    1m    ada acknowledges
    1m      chat: acknowledged
    1m      pager: acknowledged
    61s   the object dies
    10m   visitors are served
    605s    chat: recovery
    605s    pager: recovery
    610s  the object dies
    625s  the alarm comes twice
    645s    chat: released
    645s    pager: released
    11m   the object dies
    705s    chat: resolved
    705s    pager: resolved
    705s    page: resolved
    24h   all is said`,
  "what nobody knows is no recovery: it stays as it is, and people are reminded": `
    0s    visitors are failed
    0s      chat: opened
    0s      pager: opened
    0s      page: investigating
    5s      chat: severity_raised
    5s      pager: severity_raised
    5s      page: identified
    5s      page: monitoring
    10s     chat: mitigated
    10s     pager: mitigated
    1m    ada acknowledges
    1m      chat: acknowledged
    1m      pager: acknowledged
    10m   nobody knows how visitors fare
    1805s   chat: update_due
    1805s   pager: update_due
    3605s   chat: update_due
    3605s   pager: update_due
    65m   all is said`,
  "a pager that fails: the others are told, and it gets what it missed": `
    0s    pager breaks
    0s    visitors are failed
    0s      chat: opened
    0s      page: investigating
    5s      chat: severity_raised
    5s      page: identified
    5s      page: monitoring
    10s     chat: mitigated
    10s   ada acknowledges
    10s     chat: acknowledged
    1m    pager works
    62s     pager: opened
    62s     pager: severity_raised
    62s     pager: mitigated
    62s     pager: acknowledged
    10m   visitors are served
    605s    chat: recovery
    605s    pager: recovery
    645s    chat: released
    645s    pager: released
    705s    chat: resolved
    705s    pager: resolved
    705s    page: resolved
    24h   all is said`,
  "it fails again within the hour: the same incident, and people are asked anew": `
    0s    visitors are failed
    0s      chat: opened
    0s      pager: opened
    0s      page: investigating
    5s      chat: severity_raised
    5s      pager: severity_raised
    5s      page: identified
    5s      page: monitoring
    10s     chat: mitigated
    10s     pager: mitigated
    1m    ada acknowledges
    1m      chat: acknowledged
    1m      pager: acknowledged
    2m    visitors are served
    125s    chat: recovery
    125s    pager: recovery
    165s    chat: released
    165s    pager: released
    225s    chat: resolved
    225s    pager: resolved
    225s    page: resolved
    10m   visitors are failed
    10m     chat: reopened
    10m     pager: reopened
    10m     page: investigating
    605s    page: identified
    605s    page: monitoring
    610s    chat: mitigated
    610s    pager: mitigated
    11m   ada acknowledges
    11m     chat: acknowledged
    11m     pager: acknowledged
    12m   visitors are served
    725s    chat: recovery
    725s    pager: recovery
    785s    chat: released
    785s    pager: released
    845s    chat: resolved
    845s    pager: resolved
    845s    page: resolved
    24h   all is said`,
  "made small by a person: a ticket, whose end is told there": `
    0s    visitors are failed
    0s      chat: opened
    0s      pager: opened
    0s      page: investigating
    5s      chat: severity_raised
    5s      pager: severity_raised
    5s      page: identified
    5s      page: monitoring
    10s     chat: mitigated
    10s     pager: mitigated
    1m    ada acknowledges
    1m      chat: acknowledged
    1m      pager: acknowledged
    2m    ada says SEV-3
    2m      chat: severity_lowered
    2m      pager: severity_lowered
    2m      tickets: severity_lowered
    3m    ada tells the public
    3m      page: monitoring, We know more.
    10m   visitors are served
    605s    chat: recovery
    605s    tickets: recovery
    645s    chat: released
    645s    tickets: released
    705s    chat: resolved
    705s    pager: resolved
    705s    tickets: resolved
    705s    page: resolved
    24h   all is said`,
  "silenced before it is seen: it is mitigated unheard, and told when the silence ends, across evictions": `
    0s    ada silences playbook="small-outage" for 30m
    1m    visitors are failed
    1m      page: investigating
    65s     page: identified
    65s     page: monitoring
    2m    the object dies
    20m   the alarm comes twice
    29m   the object dies
    30m     chat: unmuted
    30m     pager: unmuted
    31m   ada acknowledges
    31m     chat: acknowledged
    31m     pager: acknowledged
    32m   visitors are served
    1925s   chat: recovery
    1925s   pager: recovery
    1965s   chat: released
    1965s   pager: released
    2025s   chat: resolved
    2025s   pager: resolved
    2025s   page: resolved
    24h   all is said`,
  "silenced while it rings: of all that follows, only its end is told to people": `
    0s    visitors are failed
    0s      chat: opened
    0s      pager: opened
    0s      page: investigating
    5s      chat: severity_raised
    5s      pager: severity_raised
    5s      page: identified
    5s      page: monitoring
    10s     chat: mitigated
    10s     pager: mitigated
    1m    ada silences severity=~"SEV-." for 1h
    2m    visitors are served
    225s    chat: resolved
    225s    pager: resolved
    225s    page: resolved
    24h   all is said`,
  "silenced, and over before the silence is: the public reads of it, and nobody is woken": `
    0s    ada silences playbook="small-outage" for 2h
    1m    visitors are failed
    1m      page: investigating
    65s     page: identified
    65s     page: monitoring
    10m   visitors are served
    705s    page: resolved
    24h   all is said`,
  "a silence ended early: what was kept back is told then, once": `
    0s    ada silences playbook="small-outage" for 2h
    1m    visitors are failed
    1m      page: investigating
    65s     page: identified
    65s     page: monitoring
    5m    the object dies
    6m    ada ends the silence
    6m      chat: unmuted
    6m      pager: unmuted
    7m    the object dies
    8m    the alarm comes twice
    9m    all is said`,
} as const;

describe("from signals to everything that goes out", () => {
  it.for(Object.entries(STORIES))("%s", async ([, transcript], { expect }) => {
    const { happened, said } = await lived(SITE, transcript);
    expect(happened).toEqual(said);
  });
});
