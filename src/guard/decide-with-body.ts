/** The one decision that a request's body may change: whether a GraphQL POST writes, while writes are paused. */
import { decide, type Decision } from "./decide.ts";
import type { RequestFacts } from "./facts.ts";
import { readsOnly } from "./graphql/reads-only.ts";
import type { Snapshot } from "./loaded-policy.ts";

/** Reads a copy of the body only when the decision turns on it; rejects when it then cannot be read. */
export async function decideWithBody(
  request: Request,
  facts: RequestFacts,
  { snapshot, nowMs }: { readonly snapshot: Snapshot | null; readonly nowMs: number },
): Promise<Decision> {
  const decision = decide(facts, snapshot, nowMs);
  if (!decision.turnsOnBody || !(await readsOnly(request))) return decision;
  return decide({ ...facts, isGraphqlRead: true }, snapshot, nowMs);
}
