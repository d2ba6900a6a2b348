/** Deploys versions of the stack's storefront, as a developer would, and says which one visitors get. */
import type { StackInfo } from "../dev/stack.ts";

type Where = Pick<StackInfo, "vendors">;

/** Resolves when it is live. @throws {Error} when the stack refuses. */
export async function deployStorefront({ vendors }: Where, version: string): Promise<void> {
  const response = await fetch(`${vendors}/__stack/deploy/${version}`, { method: "POST" });
  if (!response.ok) throw new Error(`${version} could not be deployed: ${response.status}`);
}

export async function liveStorefront({ vendors }: Where): Promise<string> {
  const response = await fetch(`${vendors}/__stack/live`);
  if (!response.ok) throw new Error(`nobody knows what is live: ${response.status}`);
  return response.text();
}
