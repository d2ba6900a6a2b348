/** Does one effect once, and says what came of it. Adapters classify failures; whether to try again is the outbox's to decide. */
import { unreachable } from "../shared/assert.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { Reach } from "../mitigations/actuator.ts";
import type { Act, Actuator, StoredLease } from "../mitigations/opaque.ts";
import {
  withPicked,
  type Selection,
  type Selector,
  type SelectReach,
} from "../mitigations/selector.ts";
import { buttonsOf } from "../notify/buttons.ts";
import type { ChannelMessage } from "../notify/channel.ts";
import { stateOf } from "../notify/pipeline.ts";
import type { Effect, EffectOf } from "./effect.ts";
import type { EffectContext } from "./incident-object.ts";
import type { Failure } from "./journal.ts";
import { judgeAct, performAct } from "./perform-act.ts";
import type { IncidentView } from "./view.ts";

/** What a public channel is told of, and what its last receipt called that. */
export type Relayed = { readonly view: IncidentView; readonly ref: string | null };

export type PerformDeps = {
  readonly actuators: Readonly<Record<string, Actuator>>;
  readonly acts: Readonly<Record<string, Act>>;
  readonly reach: Reach;
  readonly selectors: Readonly<Record<string, Selector>>;
  readonly selectReach: SelectReach;
  readonly now: () => number;
  /** Spends one action of the hour's budget, once per lease or act; false when it is gone. */
  readonly spendAction: (id: string) => Promise<boolean>;
  readonly collect: (
    collector: string,
    view: IncidentView,
  ) => Promise<Result<{ readonly summary: string; readonly facts: unknown }, Failure>>;
  readonly deliver: (channel: string, message: ChannelMessage) => Promise<Result<unknown, Failure>>;
  /** Brings a public channel to what the public knows. */
  readonly relay: (channel: string, relayed: Relayed) => Promise<Result<unknown, Failure>>;
  readonly project: (view: IncidentView) => Promise<void>;
};

export const performWith =
  (deps: PerformDeps) =>
  async (effect: Effect, context: EffectContext): Promise<Result<unknown, Failure>> => {
    switch (effect.kind) {
      case "lease.select":
        return selectFor(effect, context, deps);
      case "lease.apply":
        return applyLease(effect, context, deps);
      case "lease.revert":
        return revertLease(effect, context, deps);
      case "act.judge":
        return judgeAct(effect, context, deps);
      case "act.perform":
        return performAct(effect, context, deps);
      case "evidence.collect":
        return deps.collect(effect.data.collector, context.view);
      case "message.send":
        return deps.deliver(effect.data.channel, messageOf(effect, context));
      case "public.send":
        return deps.relay(effect.data.channel, { view: context.view, ref: context.ref });
      case "desk.project":
        await deps.project(context.view);
        return ok(null);
      default:
        return unreachable(effect);
    }
  };

/** What an effect of an earlier deploy does not say is as the incident is now. */
const messageOf = (
  { data }: EffectOf<"message.send">,
  { view, ref, triedAtMs }: EffectContext,
): ChannelMessage => ({
  deliveryId: data.deliveryId,
  incidentId: view.id,
  instance: view.instance,
  message: data.message,
  subject: data.subject,
  body: data.body,
  title: view.title,
  news: data.news ?? data.subject,
  severity: data.severity ?? view.severity,
  state: data.state ?? stateOf(view),
  link: data.link ?? null,
  people: data.people ?? [],
  ...(data.bundled === undefined ? {} : { bundled: data.bundled }),
  buttons: buttonsOf(view),
  ref,
  triedAtMs,
});

/** Whom or what a lease is about, within what its actuator takes. */
async function selectFor(
  { data }: EffectOf<"lease.select">,
  { lease }: EffectContext,
  deps: PerformDeps,
): Promise<Result<Selection, Failure>> {
  const { from, ...options } = data.select;
  const selector = Object.hasOwn(deps.selectors, from) ? deps.selectors[from] : undefined;
  const actuator = deps.actuators[data.actuator];
  if (selector === undefined) return refuse(`there is no selector "${from}"`);
  if (actuator === undefined) return refuse(`there is no actuator "${data.actuator}"`);
  const missing = actuator.missing(deps.reach);
  if (missing !== null) return refuse(missing);
  const already = lease?.options ?? data.with;
  const { onsetAtMs } = data;
  const asked = { options, atMs: deps.now(), onsetAtMs, already };
  const selected = await selector.select(asked, deps.selectReach);
  if (!selected.ok || selected.value.kind === "nobody") return selected;
  const wanted = withPicked(already, selected.value.picked);
  const picks = Object.keys(selected.value.picked);
  if (picks.every((key) => sizeOf(wanted[key]) === sizeOf(already[key]))) {
    return ok({ kind: "nobody", because: "nothing_new", says: "all of them are named already" });
  }
  const [problem] = actuator.words.problemsWith(wanted);
  return problem === undefined
    ? selected
    : ok({ kind: "nobody", because: "too_wide", says: `${selected.value.says}, but ${problem}` });
}

const sizeOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);

async function applyLease(
  { data }: EffectOf<"lease.apply">,
  context: EffectContext,
  deps: PerformDeps,
): Promise<Result<unknown, Failure>> {
  const actuator = deps.actuators[data.actuator];
  if (actuator === undefined) return refuse(`there is no actuator "${data.actuator}"`);
  const missing = actuator.missing(deps.reach);
  if (missing !== null) return refuse(missing);
  const lease = storedLease(data, context, {
    shadow: data.shadow,
    share: data.share,
    expiresAtMs: data.expiresAtMs,
    reason: data.reason,
  });
  const isFirst = context.lease?.appliedAtMs == null;
  if (data.budgeted && isFirst && !data.shadow && !(await deps.spendAction(data.leaseId))) {
    return refuse("the hour's budget of automatic actions is used up");
  }
  // An attempt before this one may have worked: look before doing it again.
  if (context.attempts > 0 && (await actuator.inspect(lease, deps.reach)) === "changed") {
    return refuse("something else has taken its place since");
  }
  return actuator.apply(lease, deps.reach);
}

async function revertLease(
  { data }: EffectOf<"lease.revert">,
  context: EffectContext,
  deps: PerformDeps,
): Promise<Result<unknown, Failure>> {
  const actuator = deps.actuators[data.actuator];
  if (actuator === undefined) return refuse(`there is no actuator "${data.actuator}"`);
  const lease = storedLease(data, context, {
    shadow: context.lease?.shadow ?? false,
    share: 0,
    expiresAtMs: context.lease?.expiresAtMs ?? 0,
    reason: "",
  });
  const reverted = await actuator.revert(lease, deps.reach);
  // An attempt before this one, whose answer was lost, is who removed it.
  const wasUs = reverted.ok && reverted.value === "gone" && context.attempts > 0;
  return wasUs ? ok("restored") : reverted;
}

const storedLease = (
  data: EffectOf<"lease.revert">["data"],
  context: EffectContext,
  terms: Pick<StoredLease, "shadow" | "share" | "expiresAtMs" | "reason">,
): StoredLease => ({
  ...terms,
  id: data.leaseId,
  incidentId: context.view.id,
  options: data.with,
  prior: context.lease?.prior ?? null,
});

const refuse = (detail: string): Result<never, Failure> => err({ class: "refuse", detail });
