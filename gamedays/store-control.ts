/** Stops and starts the stack's stores, and reaches branches of its database, for real, wherever the stack runs. */
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

/** From here on the database at Neon keeps its past. @throws {Error} when the stack refuses. */
export async function beginHistory({ vendors }: Pick<StackInfo, "vendors">): Promise<void> {
  const response = await fetch(`${vendors}/__stack/history`, { method: "POST" });
  if (!response.ok) throw new Error(`no history was begun: ${response.status}`);
}

const branch = z.object({ postgres: z.string() });

/** Connection string of a branch, as a person gets it from the vendor's console. @throws {Error} when the stack refuses. */
export async function branchUrl(
  { vendors }: Pick<StackInfo, "vendors">,
  id: string,
): Promise<string> {
  const response = await fetch(`${vendors}/__stack/branches/${encodeURIComponent(id)}`);
  if (!response.ok) throw new Error(`branch ${id} could not be reached: ${response.status}`);
  return branch.parse(await response.json()).postgres;
}
