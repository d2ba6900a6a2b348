/** What is worth collecting more than once: while the incident is open, what a collector tells may grow. */
import { durationOf, type Stage } from "../moment.ts";
import type { IncidentEvent } from "../journal.ts";
import type { IncidentState } from "../state.ts";

/** Of one collector, in the life of an incident. */
export const COLLECTIONS_MAX = 40;
/** Twice as long each time that nothing new was told, up to this many times the playbook's word. */
export const AGAIN_FACTOR_MAX = 8;

export const evidenceStage: Stage = (state, { atMs, playbook }) =>
  playbook.spec.investigate.flatMap(({ collect, again }): readonly IncidentEvent[] => {
    const gathered = state.gathered[collect];
    if (again === undefined || gathered === undefined || isAwaited(collect, state)) return [];
    const factor = Math.min(2 ** gathered.inVain, AGAIN_FACTOR_MAX);
    const isDue = atMs - gathered.askedAtMs >= durationOf(state, again) * factor;
    return isDue && gathered.times < COLLECTIONS_MAX
      ? [{ type: "evidence.requested", data: { collector: collect } }]
      : [];
  });

const isAwaited = (collector: string, { awaiting }: IncidentState): boolean =>
  Object.values(awaiting).some((one) => one.kind === "evidence" && one.collector === collector);
