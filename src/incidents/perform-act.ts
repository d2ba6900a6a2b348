/** Finds out what an act would do, or does it once: after an attempt whose end is not known, it first asks whether it was done. */
import type { Reach } from "../mitigations/actuator.ts";
import type { Act, StoredAct } from "../mitigations/opaque.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { EffectOf } from "./effect.ts";
import type { EffectContext } from "./incident-object.ts";
import type { Failure } from "./journal.ts";

export type ActDeps = {
  readonly acts: Readonly<Record<string, Act>>;
  readonly reach: Reach;
  /** Spends one action of the hour's budget, once per act; false when it is gone. */
  readonly spendAction: (actId: string) => Promise<boolean>;
};

export async function judgeAct(
  { data }: EffectOf<"act.judge">,
  context: EffectContext,
  deps: ActDeps,
): Promise<Result<unknown, Failure>> {
  const found = findAct(data.actuator, deps);
  return found.ok ? found.value.judge(storedAct(data, context), deps.reach) : found;
}

export async function performAct(
  { data }: EffectOf<"act.perform">,
  context: EffectContext,
  deps: ActDeps,
): Promise<Result<unknown, Failure>> {
  const found = findAct(data.actuator, deps);
  if (!found.ok) return found;
  const act = { ...storedAct(data, context), judged: context.act?.judged ?? null };
  if (context.attempts > 0) {
    const confirmed = await found.value.confirm(act, deps.reach);
    // As long as nobody can say whether it was done, doing it again is no answer.
    if (!confirmed.ok) return unclear(confirmed.error);
    const { value } = confirmed;
    if (value.done) return ok({ says: value.says, receipt: value.receipt });
  }
  if (data.budgeted && !(await deps.spendAction(data.actId))) {
    return refuse("the hour's budget of automatic actions is used up");
  }
  return found.value.perform(act, deps.reach);
}

function findAct(id: string, deps: ActDeps): Result<Act, Failure> {
  const act = Object.hasOwn(deps.acts, id) ? deps.acts[id] : undefined;
  if (act === undefined) return refuse(`there is no act "${id}"`);
  const missing = act.missing(deps.reach);
  return missing === null ? ok(act) : refuse(missing);
}

function storedAct(data: EffectOf<"act.judge">["data"], { view }: EffectContext): StoredAct {
  const others = view.acts.filter(
    ({ id, actuator }) => actuator === data.actuator && id !== data.actId,
  );
  const doneAtMs = Math.max(...others.flatMap(({ performedAtMs }) => performedAtMs ?? []));
  return {
    id: data.actId,
    incidentId: view.id,
    options: data.with,
    reason: data.reason,
    onsetAtMs: view.anchors.onsetAtMs,
    ...(Number.isFinite(doneAtMs) ? { lastDoneMsAgo: Date.now() - doneAtMs } : {}),
  };
}

const unclear = ({ detail }: Failure): Result<never, Failure> =>
  err({
    class: "unknown_outcome",
    detail: `it could not be told whether it was done: ${detail}`,
  });

const refuse = (detail: string): Result<never, Failure> => err({ class: "refuse", detail });
