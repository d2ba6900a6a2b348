/** What became of an effect, and what that means. A result nobody waits for any more is refused as stale. */
import { z } from "zod";
import { err, ok, type Result } from "../shared/result.ts";
import type { CommandOf, EffectOutcome, Rejection } from "./command.ts";
import { actResult, done, judgement } from "./act-results.ts";
import type { IncidentEvent } from "./journal.ts";
import { withPicked } from "../mitigations/selector.ts";
import {
  hasEnded,
  isInForce,
  isSelecting,
  type Awaited,
  type IncidentState,
  type LeaseState,
} from "./state.ts";
import { approveAndApply, AUTO, reverting } from "./stages/leases.ts";

/** What an effect may leave in the journal, in characters of JSON: a row must stay readable, and a page of rows sendable. */
export const OUTCOME_CHARS_MAX = 64 * 1024;

const picked = z.record(z.string(), z.array(z.union([z.string(), z.number()])));
const selection = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("selected"), picked, says: z.string(), facts: z.unknown() }),
  z.object({ kind: z.literal("nobody"), because: z.string(), says: z.string() }),
]);
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
      return ok(
        awaited.during === "select"
          ? selectResult(state, awaited.leaseId, { effectId, outcome, atMs: command.atMs })
          : leaseResult(state, { ...awaited, during: awaited.during }, { effectId, outcome }),
      );
    case "act":
      return ok(actResult(state, awaited, { effectId, outcome }));
    case "evidence":
      return ok([evidenceResult(awaited.collector, { effectId, outcome })]);
    case "message":
      return ok([messageResult(awaited.deliveryId, { effectId, outcome })]);
    case "public":
      return ok([publicResult(awaited, { effectId, outcome })]);
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
  if (awaited.kind === "message" || awaited.kind === "public") return z.unknown();
  if (awaited.kind === "evidence") return evidence;
  if (awaited.kind === "act") return awaited.during === "judge" ? judgement : done;
  if (awaited.during === "select") return selection;
  return awaited.during === "revert" ? reverted : application;
}

type AwaitedLease = Extract<Awaited, { readonly kind: "lease" }>;

function leaseResult(
  state: IncidentState,
  awaited: AwaitedLease & { readonly during: Exclude<AwaitedLease["during"], "select"> },
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

/** Whom the lease is about is written down before anything is done to them. */
function selectResult(
  state: IncidentState,
  id: string,
  { effectId, outcome, atMs }: EffectResult & { readonly atMs: number },
): readonly IncidentEvent[] {
  const lease = state.leases.find((candidate) => candidate.id === id);
  if (lease === undefined) return [];
  const leaseId = lease.id;
  const named = outcome.ok ? selection.parse(outcome.value) : failedToSelect(outcome.failure);
  if (named.kind === "nobody") {
    const { because, says } = named;
    const unselected: IncidentEvent = {
      type: "lease.unselected",
      data: { effectId, leaseId, because, says },
    };
    if (!isSelecting(lease)) return [unselected];
    const why = `${because}: ${says}`;
    return [unselected, { type: "lease.declined", data: { leaseId, why } }];
  }
  const { says, facts } = named;
  const data = { effectId, leaseId, with: withPicked(lease.options, named.picked), says, facts };
  if (isInForce(lease)) return [{ type: "lease.widened", data }];
  if (lease.status !== "proposed") {
    const late = { effectId, leaseId, because: "unknown", says: "it was known too late" };
    return [{ type: "lease.unselected", data: late }];
  }
  return [{ type: "lease.selected", data }, ...afterSelection(state, lease, atMs)];
}

const failedToSelect = ({ detail }: { readonly detail: string }) =>
  ({ kind: "nobody", because: "failed", says: detail }) as const;

/** The playbook said yes before it was known to whom, as long as there is harm. */
function afterSelection(
  state: IncidentState,
  lease: LeaseState,
  atMs: number,
): readonly IncidentEvent[] {
  if (lease.mode !== "auto") return [];
  if (state.recoveredSinceMs !== null) {
    const why = "production recovered before it was applied";
    return [{ type: "lease.declined", data: { leaseId: lease.id, why } }];
  }
  return approveAndApply(lease, atMs, AUTO);
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

const publicResult = (
  { deliveryId, channel }: Extract<Awaited, { readonly kind: "public" }>,
  { effectId, outcome }: EffectResult,
): IncidentEvent =>
  outcome.ok
    ? { type: "public.delivered", data: { effectId, deliveryId, receipt: outcome.value } }
    : { type: "public.failed", data: { effectId, deliveryId, channel, failure: outcome.failure } };
