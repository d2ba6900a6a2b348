/** The HTTP surface under `/_firebreak`; a contract, for people script against it. */
import { createMiddleware } from "hono/factory";
import { methodNotAllowed } from "hono/method-not-allowed";
import { newApi } from "./api-app.ts";
import { authenticate } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { answerError } from "./errors.ts";
import { answerProblem, Problem } from "./problems.ts";
import { keepPublicCopy } from "./public-copy.ts";
import { healthRoutes } from "./routes/health.ts";
import { incidentRoutes } from "./routes/incidents.ts";

export const BASE_PATH = "/_firebreak";

/** One per isolate. Requests must come with an execution context. */
export function createApp(deps: HttpDeps) {
  const api = newApi();
  const readPublicCopy = keepPublicCopy(deps);

  healthRoutes(api, deps, readPublicCopy);

  api.use("/api/*", authenticate(deps.tokens));
  incidentRoutes(api, deps);

  const app = newApi();
  app.use(defaultHeaders);
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const allow = methods.join(", ");
        const answer = answerProblem(
          c,
          new Problem("method-not-allowed", `This path answers ${allow}.`),
        );
        answer.headers.set("allow", allow);
        return answer;
      },
    }),
  );
  app.route(BASE_PATH, api);
  app.onError(answerError);
  app.notFound((c) => answerProblem(c, new Problem("not-found", "There is nothing here.")));
  return app;
}

/** Nothing here is for caches or for guessing browsers, unless a route says so. */
const defaultHeaders = createMiddleware(async function defaultHeaders(c, next) {
  await next();
  if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  c.header("x-content-type-options", "nosniff");
});
