/** What became of an effect, and what that means. A result nobody waits for any more is refused as stale. */
import { z } from "zod";
import { err, ok, type Result } from "../shared/result.ts";
import type { CommandOf, Rejection } from "./command.ts";
import type { IncidentEvent } from "./journal.ts";
import { hasEnded, type Awaited, type IncidentState } from "./state.ts";
import { reverting } from "./stages/leases.ts";

const application = z.object({ prior: z.unknown(), receipt: z.unknown() });
const reverted = z.enum(["restored", "gone", "changed"]);
const evidence = z.object({ summary: z.string(), facts: z.unknown() });

export function decideResult(
  state: IncidentState,
  command: CommandOf<"report_effect">,
): Result<readonly IncidentEvent[], Rejection> {
  const { effectId } = command.data;
  const awaited = state.awaiting[effectId];
  if (awaited === undefined) {
    return err({ reason: "stale_effect", detail: `nobody waits for the result of ${effectId}` });
  }
  switch (awaited.kind) {
    case "lease":
      return ok(leaseResult(state, awaited, command));
    case "evidence":
      return ok([evidenceResult(awaited.collector, command)]);
    case "message":
      return ok([messageResult(awaited.deliveryId, command)]);
  }
}

function leaseResult(
  state: IncidentState,
  awaited: Extract<Awaited, { readonly kind: "lease" }>,
  { data: { effectId, outcome } }: CommandOf<"report_effect">,
): readonly IncidentEvent[] {
  const { leaseId, during } = awaited;
  const lease = state.leases.find((candidate) => candidate.id === leaseId);
  if (!outcome.ok) {
    const failed: IncidentEvent = {
      type: "lease.failed",
      data: { effectId, leaseId, during, failure: outcome.failure },
    };
    // It may be in force all the same: take it back rather than hope.
    const isDoubtful = during === "apply" && outcome.failure.class !== "refuse";
    return isDoubtful && lease !== undefined && !hasEnded(lease)
      ? [failed, reverting(lease, "failed", "it could not be told whether it is in force")]
      : [failed];
  }
  switch (during) {
    case "apply": {
      const { prior, receipt } = application.parse(outcome.value);
      const expiresAtMs = lease?.expiresAtMs ?? 0;
      return [{ type: "lease.applied", data: { effectId, leaseId, expiresAtMs, prior, receipt } }];
    }
    case "adjust": {
      const { receipt } = application.parse(outcome.value);
      return [{ type: "lease.adjusted", data: { effectId, leaseId, receipt } }];
    }
    case "revert":
      return [
        {
          type: "lease.reverted",
          data: { effectId, leaseId, outcome: reverted.parse(outcome.value) },
        },
      ];
  }
}

function evidenceResult(
  collector: string,
  { data: { effectId, outcome } }: CommandOf<"report_effect">,
): IncidentEvent {
  if (!outcome.ok) {
    return { type: "evidence.failed", data: { effectId, collector, failure: outcome.failure } };
  }
  const { summary, facts } = evidence.parse(outcome.value);
  return { type: "evidence.collected", data: { effectId, collector, summary, facts } };
}

const messageResult = (
  deliveryId: string,
  { data: { effectId, outcome } }: CommandOf<"report_effect">,
): IncidentEvent =>
  outcome.ok
    ? { type: "message.delivered", data: { effectId, deliveryId, receipt: outcome.value } }
    : { type: "message.failed", data: { effectId, deliveryId, failure: outcome.failure } };
