/** The HTTP surface under `/_firebreak`; a contract, for people script against it. */
import { createMiddleware } from "hono/factory";
import { methodNotAllowed } from "hono/method-not-allowed";
import { OWN_PREFIX } from "../guard/facts.ts";
import { newApi, type Api } from "./api-app.ts";
import { authenticate } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { answerError } from "./errors.ts";
import { idempotent } from "./idempotency.ts";
import { answerProblem, Problem } from "./problems.ts";
import { keepPublicCopy } from "./public-copy.ts";
import { callerBySession } from "./sessions.ts";
import { alertRoutes } from "./routes/alerts.ts";
import { autopilotRoutes } from "./routes/autopilot.ts";
import { bypassRoutes } from "./routes/bypass.ts";
import { chatRoutes } from "./routes/chat.ts";
import { doctorRoutes } from "./routes/doctor.ts";
import { heartbeatRoute } from "./routes/heartbeats.ts";
import { healthRoutes } from "./routes/health.ts";
import { incidentCommandRoutes, mitigationCommandRoutes } from "./routes/incident-commands.ts";
import { incidentPageRoutes } from "./routes/incident-page.ts";
import { incidentRoutes } from "./routes/incidents.ts";
import { integrityRoutes } from "./routes/integrity.ts";
import { kpiRoutes } from "./routes/kpis.ts";
import { maintenanceWindowRoutes } from "./routes/maintenance-windows.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { linkRoutes } from "./routes/links.ts";
import { networkRoutes } from "./routes/networks.ts";
import { mitigationRoutes } from "./routes/mitigations.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { paymentRoutes } from "./routes/payments.ts";
import { playbookRoutes } from "./routes/playbooks.ts";
import { policyRoutes } from "./routes/policy.ts";
import { owedRoutes } from "./routes/owed.ts";
import { postmortemRoutes } from "./routes/postmortem.ts";
import { problemRoutes } from "./routes/problems.ts";
import { reportRoute } from "./routes/reports.ts";
import { shadowRoutes } from "./routes/shadow.ts";
import { signalRoutes } from "./routes/signals.ts";
import { signInRoutes } from "./routes/sign-in.ts";
import { silenceRoutes } from "./routes/silences.ts";
import { statusRoutes } from "./routes/status.ts";
import { toldRoutes } from "./routes/told.ts";
import { trafficRoutes } from "./routes/traffic.ts";
import { webhookRoutes } from "./routes/webhooks.ts";
import { writeJournalRoutes } from "./routes/write-journal.ts";

/** One per isolate. Requests must come with an execution context. */
export function createApp(deps: HttpDeps): Api {
  const app = newApi();
  app.use(defaultHeaders);
  app.use(methodNotAllowed({ app, onMethodNotAllowed: answerMethodNotAllowed }));
  app.route(OWN_PREFIX, routes(deps));
  app.onError(answerError);
  app.notFound((c) => answerProblem(c, new Problem("not-found", "There is nothing here.")));
  return app;
}

function routes(deps: HttpDeps): Api {
  const api = newApi();
  const readPublicCopy = keepPublicCopy(deps);
  healthRoutes(api, deps, readPublicCopy);
  statusRoutes(api, deps, readPublicCopy);
  problemRoutes(api);
  webhookRoutes(api, deps);
  chatRoutes(api, deps);
  heartbeatRoute(api, deps);
  reportRoute(api, deps);
  openApiRoutes(api);
  signInRoutes(api, deps);
  incidentPageRoutes(api, deps);

  // What is registered from here on needs a token.
  const known = authenticate(deps.tokens, (c) => callerBySession(c, deps));
  api.use("/metrics", known);
  api.use("/api/*", known);
  api.use("/api/*", idempotent(deps));
  incidentRoutes(api, deps);
  incidentCommandRoutes(api, deps);
  mitigationCommandRoutes(api, deps);
  postmortemRoutes(api, deps);
  owedRoutes(api, deps);
  linkRoutes(api, deps);
  mitigationRoutes(api, deps);
  alertRoutes(api, deps);
  silenceRoutes(api, deps);
  maintenanceWindowRoutes(api, deps);
  writeJournalRoutes(api, deps);
  paymentRoutes(api, deps);
  policyRoutes(api, deps);
  shadowRoutes(api, deps);
  trafficRoutes(api, deps);
  networkRoutes(api, deps);
  signalRoutes(api, deps);
  playbookRoutes(api, deps);
  autopilotRoutes(api, deps);
  kpiRoutes(api, deps);
  metricsRoutes(api, deps);
  doctorRoutes(api, deps);
  bypassRoutes(api, deps);
  toldRoutes(api, deps);
  integrityRoutes(api, deps);
  return api;
}

function answerMethodNotAllowed(
  c: Parameters<typeof answerProblem>[0],
  methods: readonly string[],
): Response {
  const allow = methods.join(", ");
  const problem = new Problem("method-not-allowed", `This path answers ${allow}.`);
  const answer = answerProblem(c, problem);
  answer.headers.set("allow", allow);
  return answer;
}

/** Nothing here is for caches or for guessing browsers, unless a route says so. */
const defaultHeaders = createMiddleware(async function defaultHeaders(c, next) {
  await next();
  if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  c.header("x-content-type-options", "nosniff");
});
