/** Decides on a request, finding out on the way what the decision turns on, when and only when it does. */
import { assert, unreachable } from "../shared/assert.ts";
import type { Clearance } from "./challenge/clearance.ts";
import { decide, type Decision, type Need } from "./decide.ts";
import { knowing, type RequestFacts } from "./facts.ts";
import { readsOnly } from "./graphql/reads-only.ts";
import type { Meter } from "./limits/meter.ts";
import type { Snapshot } from "./loaded-policy.ts";

/** Each need is met once; who comes round more often has met one without ending it. */
const ROUNDS_MAX = 4;

export type Ground = {
  readonly snapshot: Snapshot | null;
  readonly nowMs: number;
  readonly meter: Meter;
  /** What the request's bearer has paid; rejects when that cannot be found out. */
  readonly clearance: () => Clearance | Promise<Clearance>;
};

/** A decision that stands: at once when nothing need be found out. Rejects when what it needs cannot be. */
export function decideFully(
  request: Request,
  facts: RequestFacts,
  ground: Ground,
): Decision | Promise<Decision> {
  const decision = decide(facts, ground.snapshot, ground.nowMs, ground.meter);
  return decision.needs === null ? decision : decideOn(request, facts, ground, decision);
}

async function decideOn(
  request: Request,
  facts: RequestFacts,
  ground: Ground,
  undecided: Decision,
): Promise<Decision> {
  const { snapshot, nowMs, meter } = ground;
  let known = facts;
  let decision = undecided;
  for (let round = 0; decision.needs !== null; round += 1) {
    assert(round < ROUNDS_MAX, `a need that was met is over: ${decision.needs}`);
    known = await meetNeed(decision.needs, { ...ground, request, known });
    decision = decide(known, snapshot, nowMs, meter);
  }
  return decision;
}

type Finding = Pick<Ground, "meter" | "clearance"> & {
  readonly request: Request;
  readonly known: RequestFacts;
};

/** What is known once the need is met. One more need is one more case. */
async function meetNeed(
  need: Need,
  { request, known, meter, clearance }: Finding,
): Promise<RequestFacts> {
  switch (need) {
    case "clearance":
      return knowing(known, { clearance: await clearance() });
    case "body":
      return knowing(known, { isGraphqlRead: await readsOnly(request) });
    case "limit":
      await meter.answered();
      return known;
    default:
      return unreachable(need);
  }
}
