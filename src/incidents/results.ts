/** What became of an effect, and what that means. A result nobody waits for any more is refused as stale. */
import { z } from "zod";
import { err, ok, type Result } from "../shared/result.ts";
import type { CommandOf, EffectOutcome, Rejection } from "./command.ts";
import { actResult, done, judgement } from "./act-results.ts";
import type { IncidentEvent } from "./journal.ts";
import { hasEnded, type Awaited, type IncidentState } from "./state.ts";
import { reverting } from "./stages/leases.ts";

/** What an effect may leave in the journal, in characters of JSON: a row must stay readable, and a page of rows sendable. */
export const OUTCOME_CHARS_MAX = 64 * 1024;

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
  const outcome = readable(command.data.outcome, schemaOf(awaited));
  switch (awaited.kind) {
    case "lease":
      return ok(leaseResult(state, awaited, { effectId, outcome }));
    case "act":
      return ok(actResult(state, awaited, { effectId, outcome }));
    case "evidence":
      return ok([evidenceResult(awaited.collector, { effectId, outcome })]);
    case "message":
      return ok([messageResult(awaited.deliveryId, { effectId, outcome })]);
  }
}

type EffectResult = { readonly effectId: string; readonly outcome: EffectOutcome };

/** An answer that nobody understands, or that is too long to keep, says nothing about what was done. */
function readable(outcome: EffectOutcome, schema: z.ZodType): EffectOutcome {
  if (!outcome.ok) return outcome;
  const length = JSON.stringify(outcome.value)?.length ?? 0;
  if (length > OUTCOME_CHARS_MAX) return unclear(`it answered with ${length} characters`);
  return schema.safeParse(outcome.value).success
    ? outcome
    : unclear("it answered in a form that is not understood");
}

const unclear = (detail: string): EffectOutcome => ({
  ok: false,
  failure: { class: "unknown_outcome", detail },
});

function schemaOf(awaited: Awaited): z.ZodType {
  if (awaited.kind === "message") return z.unknown();
  if (awaited.kind === "evidence") return evidence;
  if (awaited.kind === "act") return awaited.during === "judge" ? judgement : done;
  return awaited.during === "revert" ? reverted : application;
}

function leaseResult(
  state: IncidentState,
  awaited: Extract<Awaited, { readonly kind: "lease" }>,
  { effectId, outcome }: EffectResult,
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

function evidenceResult(collector: string, { effectId, outcome }: EffectResult): IncidentEvent {
  if (!outcome.ok) {
    return { type: "evidence.failed", data: { effectId, collector, failure: outcome.failure } };
  }
  const { summary, facts } = evidence.parse(outcome.value);
  return { type: "evidence.collected", data: { effectId, collector, summary, facts } };
}

const messageResult = (deliveryId: string, { effectId, outcome }: EffectResult): IncidentEvent =>
  outcome.ok
    ? { type: "message.delivered", data: { effectId, deliveryId, receipt: outcome.value } }
    : { type: "message.failed", data: { effectId, deliveryId, failure: outcome.failure } };
