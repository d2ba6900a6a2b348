/** One outage from open to resolved, mitigated by a lease or ended by an act, and killed at every point of it. */
import { describeKills, frozenClock } from "./kills.ts";
import { AGREED, DONE_AWAY, OUTAGE } from "./life.ts";

frozenClock();

/** What the restriction of every visitor is to the public, from its beginning to its end. */
const TOLD = {
  components: { "5551": "operational" },
  incidents: [{ status: "resolved", name: "Test: partial outage" }],
};

describeKills([
  { what: "mitigated by a lease", commands: OUTAGE, thrown: 0, page: TOLD },
  { what: "ended by an act", commands: DONE_AWAY, thrown: 1 },
  { what: "ended by an act that two people agreed to", commands: AGREED, thrown: 1 },
]);
