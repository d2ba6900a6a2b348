/** Stops, starts and copies the stack's stores, for real, wherever the stack runs. */
import { z } from "zod";
import type { StackInfo } from "../dev/stack.ts";

/** Resolves when it is done; doing it twice is the same. @throws {Error} when the stack refuses. */
export async function controlStore(
  { vendors }: Pick<StackInfo, "vendors">,
  store: "postgres" | "replica" | "redis",
  action: "stop" | "start",
): Promise<void> {
  const response = await fetch(`${vendors}/__stack/${store}/${action}`, { method: "POST" });
  if (response.ok) return;
  throw new Error(`${store} could not be told to ${action}: ${response.status}`);
}

const copied = z.object({ postgres: z.string() });

/** A Postgres of its own with the data of now, as a backup restored beside production; its connection string. @throws {Error} when the stack refuses. */
export async function copyPostgres({ vendors }: Pick<StackInfo, "vendors">): Promise<string> {
  const response = await fetch(`${vendors}/__stack/copy`, { method: "POST" });
  if (!response.ok) throw new Error(`postgres could not be copied: ${response.status}`);
  return copied.parse(await response.json()).postgres;
}
