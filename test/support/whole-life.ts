/** One incident in which everything happens that can: the golden files are its journal, effects and answers. */
import type {
  CommandAnswer,
  CommandOf,
  CommandType,
  EffectOutcome,
} from "../../src/incidents/command.ts";
import type { Effect } from "../../src/incidents/effect.ts";
import { Drive, DOWN, ENFORCED, SMALL_OUTAGE, WELL } from "./incident.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** A ladder of three steps, the first of which asks first, and two collectors. */
const PLAYBOOK = {
  ...SMALL_OUTAGE,
  investigate: [{ collect: "cloudflare-status" }, { collect: "signals-around-onset" }],
  mitigate: [
    { id: "ask-first", do: "read-only", mode: "approve", lease: "10m" },
    ...SMALL_OUTAGE.mitigate,
    ...SMALL_OUTAGE.mitigate.map((step) => ({ ...step, id: "once-more" })),
  ],
};

const FAILED: EffectOutcome = {
  ok: false,
  failure: { class: "unknown_outcome", detail: "no answer" },
};

/** What was asked, and what was answered, in order. */
export type Asked = { readonly type: CommandType; readonly answer: CommandAnswer };

export class WholeLife extends Drive {
  readonly asked: Asked[] = [];
  readonly effects: Effect[] = [];

  constructor(playbook: unknown = PLAYBOOK) {
    super(playbook, [{ id: "pager", severities: ["SEV-1", "SEV-2"] }]);
  }

  override do<Type extends CommandType>(type: Type, data: CommandOf<Type>["data"], by = "ada") {
    const answer = super.do(type, data, by);
    this.asked.push({
      type,
      answer: Array.isArray(answer)
        ? { ok: true, seq: this.state.seq, events: answer }
        : { ok: false, rejection: answer },
    });
    for (const [id, draft] of this.pending) {
      if (!this.effects.some((effect) => effect.id === id)) this.effects.push({ ...draft, id });
    }
    return answer;
  }

  get leaseId(): `lse_${string}` {
    return `lse_${(this.lease?.id ?? "").slice("lse_".length)}`;
  }

  get actId(): `act_${string}` {
    return `act_${(this.act?.id ?? "").slice("act_".length)}`;
  }

  /** Reports one pending effect of a kind; the others wait. */
  report(kind: Effect["kind"], outcome: EffectOutcome): void {
    const found = [...this.pending].find(([, effect]) => effect.kind === kind);
    if (found === undefined) throw new Error(`no ${kind} waits`);
    this.pending.delete(found[0]);
    this.do("report_effect", { effectId: found[0], outcome });
  }
}

/** From the opening to the completed post-mortem, with every detour. */
export function wholeLife(): WholeLife {
  const life = new WholeLife();
  life.open();
  openingDays(life);
  firstRound(life);
  secondRound(life);
  ending(life);
  return life;
}

/** Evidence, people, and a step that the autopilot may not take yet. */
function openingDays(life: WholeLife): void {
  life.report("evidence.collect", FAILED);
  life.report("message.send", FAILED);
  life.settle();
  life.after(SECOND).see(DOWN, "off");
  life.do("acknowledge", {});
  life.do("acknowledge", {}, "grace");
  life.do("take_lead", { lead: "ada" });
  life.do("note", { text: "The database does not answer." });
  life.do("set_severity", { severity: "SEV-2", why: "Only half of the shop." });
  life.do("escalate", { why: "The supplier does not answer." });
}

/** The first step is declined; maintenance helps, is released, put back when the harm returns, extended, and taken back. */
function firstRound(life: WholeLife): void {
  life.after(SECOND).see(DOWN);
  life.do("decline", { leaseId: life.leaseId, why: "Not while we write." });
  life.do("approve", { leaseId: life.leaseId, why: "Too late." });
  life.after(SECOND).see(DOWN);
  life.settle();
  life.after(SECOND).see(ENFORCED);
  life.after(SECOND).see(WELL);
  life.after(20 * SECOND).see(WELL);
  life.settle();
  life.after(SECOND).see(DOWN);
  life.settle();
  life.do("extend", { leaseId: life.leaseId, byMs: MINUTE, why: "To be safe." });
  life.report("lease.apply", FAILED);
  life.do("revert", { leaseId: life.leaseId, why: "It makes things worse." });
  life.settle();
}

/** People decide from here; what one of them applies runs out, and production recovers by itself. */
function secondRound(life: WholeLife): void {
  life.after(SECOND).see(DOWN);
  life.do("apply", {
    actuator: "maintenance-mode",
    with: { message: "Back soon." },
    leaseMs: MINUTE,
    why: "The supplier asked us to.",
  });
  life.settle();
  life.after(MINUTE).do("wake", {});
  life.settle();
  life.after(SECOND).see(WELL);
}

/** Resolved and opened again: the ladder begins anew, to its end. All is released and resolved by hand, and the post-mortem written. */
function ending(life: WholeLife): void {
  life.after(MINUTE).see(WELL);
  life.settle();
  life.do("reopen", { why: "It is back." });
  life.after(SECOND).see(DOWN);
  life.do("decline", { leaseId: life.leaseId, why: "Still not." });
  for (let step = 0; step < 2; step += 1) {
    life.after(SECOND).see(DOWN);
    life.settle();
    life.after(MINUTE).see(DOWN);
    life.settle();
  }
  life.after(SECOND).see(DOWN);
  life.do("apply", { actuator: "maintenance-mode", with: {}, leaseMs: MINUTE, why: "Again." });
  life.do("release_all", { why: "A misunderstanding." });
  life.settle();
  life.after(30 * MINUTE).do("wake", {});
  life.do("resolve", { why: "A false alarm." });
  life.settle();
  life.do("save_postmortem", { markdown: "# What happened\n" });
  life.do("complete_postmortem", {});
}

/** A ladder of acts: one by itself, one that asks, one for a person, and a lease at its end. */
const OF_ACTS = {
  ...SMALL_OUTAGE,
  mitigate: [
    {
      id: "by-itself",
      do: "throw-switch",
      mode: "auto",
      with: { to: "right" },
      expect: { that: "probe.around_success_ratio > 0.9", within: "30s" },
    },
    { id: "if-asked", do: "throw-switch", with: { to: "up" } },
    { id: "for-ada", do: "throw-switch", mode: "manual", with: { to: "down" } },
    ...SMALL_OUTAGE.mitigate,
  ],
};

const REFUSED: EffectOutcome = {
  ok: false,
  failure: { class: "refuse", detail: "it is locked" },
};

/** Every event that an act can have: refused, done in vain, approved, declined, started by hand, and of help. */
export function lifeOfActs(): WholeLife {
  const life = new WholeLife(OF_ACTS);
  life.open();
  life.after(SECOND).see(DOWN);
  life.report("act.judge", { ok: true, value: { says: "throw it", judged: { from: "left" } } });
  life.report("act.perform", { ok: true, value: { says: "threw it", receipt: { n: 1 } } });
  life.after(30 * SECOND).see(DOWN);
  life.after(SECOND).see(DOWN);
  life.settle();
  life.do("approve", { leaseId: life.actId, why: "Try it." });
  life.report("act.perform", REFUSED);
  life.after(SECOND).see(DOWN);
  life.settle();
  const [, , prepared] = life.state.acts;
  life.do("approve", { leaseId: `act_${prepared?.id.slice(4) ?? ""}`, why: "Now." });
  life.settle();
  life.after(SECOND).see(WELL);
  life.do("apply", { actuator: "throw-switch", with: { to: "up" }, leaseMs: null, why: "More." });
  life.do("release_all", { why: "Enough." });
  life.settle();
  life.after(MINUTE).see(WELL);
  life.settle();
  return life;
}

/** Two items that are seen, one that a person ticks, and one that stays open. */
const OF_A_CHECKLIST = {
  ...SMALL_OUTAGE,
  investigate: [{ collect: "cloudflare-status" }],
  checklist: [
    { item: "Looked at", collected: ["cloudflare-status"] },
    { item: "Well again", when: "probe.around_success_ratio > 0.9" },
    "Cause identified",
    "Customers told",
  ],
};

/** Ticked by what is seen and by a person, opened again by both, and completed with one item open. */
export function lifeOfAChecklist(): WholeLife {
  const life = new WholeLife(OF_A_CHECKLIST);
  life.open();
  life.settle();
  life.after(SECOND).see(DOWN);
  life.settle();
  life.do("tick", { item: 2, why: "A bad index." });
  life.do("tick", { item: 2, why: "Twice." });
  life.do("untick", { item: 2, why: "It was another." });
  life.do("tick", { item: 4, why: "There is none." });
  life.after(SECOND).see(WELL);
  life.after(SECOND).see(DOWN);
  life.do("tick", { item: 2, why: "The pool." });
  life.do("resolve", { why: "Over." });
  life.settle();
  life.do("complete_postmortem", {});
  life.do("complete_postmortem", { why: "Nobody noticed." });
  return life;
}

const SELECTING = {
  ...SMALL_OUTAGE,
  mitigate: [
    {
      id: "nobody",
      do: "block-networks",
      select: { from: "traffic-suspects", by: ["address"], usual_max: 0 },
      lease: "10m",
    },
    {
      id: "somebody",
      do: "rate-limit",
      with: { limit: 5 },
      select: { from: "traffic-suspects", by: ["network", "ja4"] },
      lease: "10m",
    },
  ],
};

/** One step finds nobody to be about; the other somebody, later somebody else beside, and then nobody new. */
export function lifeOfSelection(): WholeLife {
  const life = new WholeLife(SELECTING);
  const named = (networks: readonly string[]): EffectOutcome => ({
    ok: true,
    value: {
      kind: "selected",
      picked: { networks },
      says: networks.join(),
      facts: { by: "network" },
    },
  });
  const nobody = (because: string): EffectOutcome => ({
    ok: true,
    value: { kind: "nobody", because, says: "as usual" },
  });
  life.open();
  life.see(DOWN);
  life.settle(nobody("no_excess"));
  life.after(SECOND).see(DOWN);
  life.settle(named(["192.0.2.0/24"]));
  life.settle();
  life.after(15 * SECOND).see(DOWN);
  life.settle(named(["198.51.100.0/24"]));
  life.settle();
  life.after(15 * SECOND).see(DOWN);
  life.settle(nobody("nothing_new"));
  return life;
}
