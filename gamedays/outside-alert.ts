/** What the site's own monitoring tool says during a gameday, wherever the stack runs. */
import { z } from "zod";
import type { StackInfo } from "../dev/stack.ts";

const NAME = "Shop is down";
const answer = z.object({ answered: z.int() });

export type OutsideAlert = {
  readonly name: string;
  /** Doing it twice is the same. */
  readonly end: () => Promise<void>;
};

/** It fires from now on. @throws {Error} when Firebreak does not take it. */
export async function raiseAlert(stack: Pick<StackInfo, "vendors">): Promise<OutsideAlert> {
  const startedAtMs = Date.now();
  await tell(stack, { name: NAME, startedAtMs, endedAtMs: null });
  return {
    name: NAME,
    end: () => tell(stack, { name: NAME, startedAtMs, endedAtMs: Date.now() }),
  };
}

async function tell({ vendors }: Pick<StackInfo, "vendors">, alert: object): Promise<void> {
  const response = await fetch(`${vendors}/__stack/alerts`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(alert),
  });
  const { answered } = answer.parse(await response.json());
  if (answered !== 202) throw new Error(`the alert was answered ${answered}`);
}
