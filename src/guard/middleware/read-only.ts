import { createMiddleware } from "hono/factory";
import { switched, type ReadOnlyOptions } from "./switched.ts";

/**
 * Answers requests that may change something (all but GET, HEAD and OPTIONS, and those too where they open a WebSocket or carry a
 * GraphQL mutation) with "changes are paused" while `isOn` says so, but on exempt routes, and but for GraphQL queries on
 * `graphqlRoutes`. Throws at construction on options that are wrong.
 */
export const readOnly = (options: ReadOnlyOptions) => {
  const answer = switched("read-only", options);
  return createMiddleware(async function readOnly(c, next) {
    const refusal = await answer(c);
    if (refusal !== null) return refusal;
    return next();
  });
};
