/**
 * Users and support say that something is wrong. Anybody may, so nothing here reaches an object for each request: an isolate
 * takes what is news, and sends it together. What a token vouches for is written before it is answered.
 */
import { createRoute, z } from "@hono/zod-openapi";
import {
  REPORT_KINDS,
  REPORT_PATH_MAX,
  REPORT_TEXT_MAX,
  REPORTS_BATCH_MAX,
  ReportSieve,
  type Report,
} from "../../alerts/reports.ts";
import { readFacts } from "../../guard/facts.ts";
import { instanceOf } from "../../playbooks/site.ts";
import { redact } from "../../shared/redact.ts";
import { sha256Hex } from "../../shared/ids.ts";
import { answers, limitBody, problems, takes, type Api } from "../api-app.ts";
import { callerOf } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { Problem } from "../problems.ts";

const BODY_BYTES_MAX = 8 * 1024;
/** How long an isolate collects before it sends. */
export const REPORT_LINGER_MS = 1_000;
/** A request that was to send, and has not begun by then, was ended by the runtime. */
const LINGER_MS_MAX = 5_000;
/** People whose last report an isolate remembers. */
const REPORTERS_MAX = 10_000;
const REPORTER_CHARS = 16;

const report = z.strictObject({
  kind: z.enum(REPORT_KINDS),
  text: z.string().trim().min(1).max(REPORT_TEXT_MAX).optional(),
  /** Where it happened. */
  path: z.string().startsWith("/").max(REPORT_PATH_MAX).optional(),
});
const taken = z.object({ accepted: z.literal(true) }).openapi("ReportReceipt");

const receive = createRoute({
  method: "post",
  path: "/reports",
  tags: ["reports"],
  summary: "Say that something is wrong",
  description: "Needs no token. The same from the same person counts once in ten minutes.",
  middleware: [limitBody(BODY_BYTES_MAX)],
  request: { body: takes(report) },
  responses: { 202: answers(taken, "Taken"), ...problems },
});

export function reportRoute(api: Api, deps: HttpDeps): void {
  const sieve = new ReportSieve(REPORTERS_MAX);
  let waiting: Report[] = [];
  let lingersUntilMs = 0;

  api.openapi(receive, async (c) => {
    const caller = callerOf(c.req.header("authorization"), deps.tokens);
    const { kind, text, path } = c.req.valid("json");
    const reporter = caller?.name ?? strangerOf(c.req.raw, deps);
    const said: Report = {
      kind,
      text: withoutSecrets(text),
      path: withoutSecrets(path),
      reporter,
      atMs: deps.now(),
    };
    if (caller !== null) {
      await deps.desk.report([said]);
      c.executionCtx.waitUntil(poke());
      return c.json({ accepted: true } as const, 202);
    }
    const isFull = waiting.length >= REPORTS_BATCH_MAX;
    // Only what is taken counts as said: whoever is turned away may say it again.
    if (!isFull && sieve.isNews(said)) waiting.push(said);
    if (waiting.length > 0 && said.atMs >= lingersUntilMs) {
      lingersUntilMs = said.atMs + LINGER_MS_MAX;
      c.executionCtx.waitUntil(sendSoon());
    }
    if (isFull) {
      throw new Problem("unavailable", "Too many reports at once; try again in a moment.");
    }
    return c.json({ accepted: true } as const, 202);
  });

  async function sendSoon(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, REPORT_LINGER_MS));
    const sent = waiting;
    waiting = [];
    lingersUntilMs = 0;
    try {
      await deps.desk.report(sent);
      await poke();
    } catch {
      // They go with the next that comes; the newest are worth more than the oldest.
      waiting = [...sent, ...waiting].slice(-REPORTS_BATCH_MAX);
    }
  }

  /** Its own tick comes anyway; this only makes it sooner. */
  const poke = () => deps.monitor.poke("suspicion").catch(() => null);
}

/** People paste links with tokens in them, and viewers read what they said. */
const withoutSecrets = (said: string | undefined): string | null =>
  said === undefined ? null : redact(said);

/** Tells strangers apart without naming them; all whose address is not known are one. */
function strangerOf(request: Request, { bundle, signingKeys }: HttpDeps): string {
  const facts = readFacts(request, { clientAddress: bundle.site.client_address }, null);
  // Without a secret in it, a hash of an address is the address: there are not that many.
  const salt = signingKeys[0]?.secret ?? instanceOf(bundle.site);
  return `user:${sha256Hex(`${salt}\n${facts.clientKey()}`).slice(0, REPORTER_CHARS)}`;
}
