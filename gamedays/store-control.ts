/** Stops and starts the stack's stores, for real, wherever the stack runs. */
import type { StackInfo } from "../dev/stack.ts";

/** Resolves when it is done; doing it twice is the same. @throws {Error} when the stack refuses. */
export async function controlStore(
  { vendors }: Pick<StackInfo, "vendors">,
  store: "postgres" | "redis",
  action: "stop" | "start",
): Promise<void> {
  const response = await fetch(`${vendors}/__stack/${store}/${action}`, { method: "POST" });
  if (response.ok) return;
  throw new Error(`${store} could not be told to ${action}: ${response.status}`);
}
