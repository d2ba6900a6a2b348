/** One person alone would restore production in place: agrees, agrees again, is refused, and leaves it. */
import { z } from "zod";
import type { Firebreak, JournalRow } from "./firebreak.ts";
import { until } from "./until.ts";

const ACT = "restore-in-place";
const proposed = z.looseObject({ actId: z.string(), actuator: z.literal(ACT) });
const judged = z.looseObject({ actId: z.string(), says: z.string() });

/** What the second word of the same person was answered. */
export async function tryAlone(
  firebreak: Firebreak,
  incident: string,
  rows: readonly JournalRow[],
  patience: Parameters<typeof until>[2],
): Promise<string> {
  await firebreak.ask(incident, ACT, "should the rows not come back otherwise");
  const mitigation = await until(
    "it is known what restoring in place would do",
    async () => judgedIn(rows),
    patience,
  );
  await firebreak.approve(incident, mitigation, "I would");
  const second = await firebreak.approve(incident, mitigation, "I still would").then(
    () => "it was let through",
    (error: unknown) => (error instanceof Error ? error.message : "it failed"),
  );
  await firebreak.decline(incident, mitigation, "the script is enough");
  return second;
}

function judgedIn(rows: readonly JournalRow[]): string | null {
  const act = rows.flatMap(({ data }) => proposed.safeParse(data).data?.actId ?? [])[0];
  const isJudged = rows.some(({ data }) => judged.safeParse(data).data?.actId === act);
  return act !== undefined && isJudged ? act : null;
}
