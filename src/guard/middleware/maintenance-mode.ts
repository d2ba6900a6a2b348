import { createMiddleware } from "hono/factory";
import { switched, type SwitchOptions } from "./switched.ts";

/**
 * Answers every request with the maintenance page (or problem body) while `isOn` says so, but on exempt routes. For an app
 * without a control plane; with one, `guard()` does this by policy. Throws at construction on options that are wrong.
 */
export const maintenanceMode = (options: SwitchOptions) => {
  const answer = switched("maintenance", options);
  return createMiddleware(async function maintenanceMode(c, next) {
    const refusal = await answer(c);
    if (refusal !== null) return refusal;
    return next();
  });
};
