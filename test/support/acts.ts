/** An act for the tests of the engine: it throws one switch of a system in memory. What every other act owes, it owes too. */
import { z } from "zod";
import { defineAct } from "../../src/mitigations/actuator.ts";
import { asAct, type Act } from "../../src/mitigations/opaque.ts";
import { err, ok } from "../../src/shared/result.ts";

/** A switch, and who threw it how often. */
export class Switchboard {
  position = "left";
  /** By act id, in the order they happened. */
  readonly thrown: string[] = [];
  /** Nobody may throw it without `force`. */
  isLocked = false;
}

const options = z.strictObject({ to: z.string().max(20), force: z.boolean().optional() });
const judged = z.object({ from: z.string() });

export const switchAct = (board: () => Switchboard, id = "throw-switch", approvals = 1): Act =>
  asAct(
    defineAct({
      id,
      kind: "act",
      options,
      judged,
      traits: { siteWide: false, approvals },
      plan: ({ to }) => ({ siteWide: false, touches: `the switch, thrown to ${to}` }),
      missing: () => null,
      async judge({ options: { to } }) {
        const from = board().position;
        if (from === to) return err({ class: "refuse", detail: `it is ${to} already` });
        return ok({ judged: { from }, says: `throw the switch from ${from} to ${to}` });
      },
      async perform({ id, options: { to, force }, judged: { from } }) {
        const it = board();
        if (it.position !== from)
          return err({ class: "refuse", detail: "somebody threw it since" });
        if (it.isLocked && force !== true) {
          const detail = "it is locked; it can be forced";
          return err({ class: "refuse", detail, ask: { force: true } });
        }
        it.position = to;
        it.thrown.push(id);
        return ok({ says: `threw the switch to ${to}`, receipt: { id } });
      },
      async confirm({ id, options: { to } }) {
        return board().thrown.includes(id)
          ? ok({ done: true, says: `threw the switch to ${to}`, receipt: { id } })
          : ok({ done: false });
      },
    }),
  );

const { words } = switchAct(() => new Switchboard());
/** `keep-copy` mends nothing; `turn-two-keys` needs two people. */
export const SWITCH_WORDS = {
  "throw-switch": words,
  "keep-copy": { ...words, beside: true },
  "turn-two-keys": { ...words, approvals: 2 },
};
