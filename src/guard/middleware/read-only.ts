import { createMiddleware } from "hono/factory";
import { switched, type SwitchOptions } from "./switched.ts";

/**
 * Answers requests that may change something (all but GET, HEAD and OPTIONS) with "changes are paused" while `isOn` says so,
 * but on exempt routes. Throws at construction on options that are wrong.
 */
export const readOnly = (options: SwitchOptions) => {
  const answer = switched("read-only", options);
  return createMiddleware(async function readOnly(c, next) {
    const refusal = await answer(c);
    if (refusal !== null) return refusal;
    return next();
  });
};
