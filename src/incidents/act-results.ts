/** What became of looking what an act would do, or of doing it, and what follows. */
import { z } from "zod";
import { actId } from "../shared/ids.ts";
import type { EffectOutcome } from "./command.ts";
import type { IncidentEvent } from "./journal.ts";
import type { ActState, Awaited, IncidentState } from "./state.ts";

export const judgement = z.object({ says: z.string(), judged: z.unknown() });
export const done = z.object({ says: z.string(), receipt: z.unknown() });
/** A refusal that would be none with these options and a person's word. */
const asking = z.looseObject({ ask: z.record(z.string(), z.unknown()) });

export function actResult(
  state: IncidentState,
  awaited: Extract<Awaited, { readonly kind: "act" }>,
  { effectId, outcome }: { readonly effectId: string; readonly outcome: EffectOutcome },
): readonly IncidentEvent[] {
  const act = state.acts.find((candidate) => candidate.id === awaited.actId);
  if (act === undefined) return [];
  if (!outcome.ok) {
    const { during } = awaited;
    const data = { effectId, actId: act.id, during, failure: outcome.failure };
    return [{ type: "act.failed", data }, ...askingFor(state, act, outcome.failure)];
  }
  if (awaited.during === "perform") {
    const { says, receipt } = done.parse(outcome.value);
    return [{ type: "act.performed", data: { effectId, actId: act.id, says, receipt } }];
  }
  const { says, judged } = judgement.parse(outcome.value);
  const known: IncidentEvent = {
    type: "act.judged",
    data: { effectId, actId: act.id, says, judged },
  };
  return [known, ...afterJudgement(state, act)];
}

/** Who said yes before it was known what would be done, meant this; the playbook did, as long as there is harm. */
function afterJudgement(state: IncidentState, act: ActState): readonly IncidentEvent[] {
  if (act.status !== "proposed" || act.shadow || !act.isApproved) return [];
  if (act.mode === "auto" && state.recoveredSinceMs !== null) {
    const why = "production recovered before it was done";
    return [{ type: "act.declined", data: { actId: act.id, why } }];
  }
  return [{ type: "act.performing", data: { actId: act.id } }];
}

/** The options with which it would be done, of which some are new; null for a refusal that asks for nothing, or for nothing new. */
export function askedOf(
  { options }: Pick<ActState, "options">,
  failure: unknown,
): Readonly<Record<string, unknown>> | null {
  const { ask = {} } = asking.safeParse(failure).data ?? {};
  return Object.entries(ask).some(([key, value]) => options[key] !== value) ? ask : null;
}

/** The same again with what was missing, for a person to say; once, for a second refusal is an answer. */
function askingFor(
  { opened, acts }: IncidentState,
  act: ActState,
  failure: unknown,
): readonly IncidentEvent[] {
  const missing = askedOf(act, failure);
  if (missing === null || opened === null) return [];
  const options = { ...act.options, ...missing };
  const attempt = acts.filter(({ step }) => step === act.step).length + 1;
  return [
    {
      type: "act.proposed",
      data: {
        actId: actId(opened.incidentId, act.step, attempt),
        step: act.step,
        attempt,
        actuator: act.actuator,
        with: options,
        mode: "approve",
        shadow: false,
        siteWide: act.siteWide,
        ...(act.beside ? { beside: true } : {}),
        ...(act.approvals > 1 ? { approvals: act.approvals } : {}),
      },
    },
  ];
}
