/** Sets an override on behalf of the caller. The monitor knows what is allowed, and says so when it refuses. */
import type { Context } from "hono";
import type { Override } from "../playbooks/params.ts";
import type { HttpEnv } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { Problem } from "./problems.ts";

type Wanted = Pick<Override, "playbook" | "param" | "value" | "reason"> & {
  readonly forMs: number;
};

export async function setOverride(
  c: Context<HttpEnv>,
  deps: Pick<HttpDeps, "monitor" | "now">,
  { forMs, ...wanted }: Wanted,
): Promise<Override> {
  const override = { ...wanted, by: c.var.caller.name, expiresAtMs: deps.now() + forMs };
  const set = await deps.monitor.setOverride(override);
  if (set.ok) return override;
  throw new Problem("invalid-request", set.error, {
    errors: [{ field: "body", value: wanted.param, message: set.error }],
  });
}
