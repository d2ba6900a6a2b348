/**
 * Asks production by itself: straight past the guard, and through the guard. What the guard answered on its own behalf
 * (maintenance, read-only) says nothing about production, so such an answer is neither a success nor a failure.
 */
import { VERDICT_HEADER, type VerdictReason } from "../../guard/verdict.ts";
import { readStart } from "../../platform/bounded-body.ts";
import { withinDeadline } from "../../platform/deadline.ts";
import type { SiteSpec } from "../../playbooks/site.ts";
import { defineSource, type Answer, type PollContext, type Vantage } from "../source.ts";

/** An assertion on the body looks at no more than this. */
export const PROBE_BODY_BYTES_MAX = 64 * 1024;
/** An invocation may wait for six connections; these are its probes', per vantage. */
const PROBES_AT_ONCE = 5;
/** Probes that could not end by then are left out: they say nothing. */
const BUDGET_MS = 11_000;

/**
 * The guard marks its answers to our probes with its verdict; with these it was production that answered. Whatever else it says,
 * now or in a later version, is the guard's own answer. An answer without a mark may be either's.
 */
const PRODUCTION_ANSWERED: ReadonlySet<string> = new Set<VerdictReason>([
  "clean",
  "guard_off",
  "allowlisted",
  "operator_bypass",
  "maintenance_exempt",
  "read_only_exempt",
  "shadowed",
  "no_policy",
]);

type Probe = SiteSpec["probes"][number];
type Outcome =
  | { readonly kind: "answered"; readonly isExpected: boolean; readonly tookMs: number }
  | { readonly kind: "unanswered" }
  | { readonly kind: "left_out" };

/** Says whether an answer that came this way is production's. */
type Attribution = (response: Response) => boolean;
const fromProduction: Attribution = () => true;
const asGuardSays: Attribution = (response) =>
  PRODUCTION_ANSWERED.has(response.headers.get(VERDICT_HEADER) ?? "");

export const probe = defineSource({
  id: "probe",
  emits: [
    "probe.around_success_ratio",
    "probe.around_latency_ms",
    "probe.through_success_ratio",
    "probe.through_latency_ms",
  ],
  everyMs: { idle: 0, busy: 0, alert: 0 },
  deadlineMs: BUDGET_MS + 1_000,

  async poll(context) {
    const [around, through] = await Promise.all([
      readVantage(context, {
        vantage: context.around,
        missing: "neither ORIGIN nor ORIGIN_URL is set",
        isProductions: fromProduction,
      }),
      readVantage(context, {
        vantage: context.through,
        missing: "SIGNING_KEYS is not set",
        isProductions: asGuardSays,
      }),
    ]);
    return {
      "probe.around_success_ratio": around.success,
      "probe.around_latency_ms": around.latency,
      "probe.through_success_ratio": through.success,
      "probe.through_latency_ms": through.latency,
    };
  },
});

type VantageAnswers = { readonly success: Answer; readonly latency: Answer };

async function readVantage(
  { probes, signal }: PollContext,
  way: {
    readonly vantage: Vantage | null;
    readonly missing: string;
    readonly isProductions: Attribution;
  },
): Promise<VantageAnswers> {
  const { vantage, missing, isProductions } = way;
  const detail = probes.length === 0 ? "site.yaml declares no probes" : missing;
  if (probes.length === 0 || vantage === null) return both({ unknown: "not_configured", detail });
  return summarise(await runAll({ vantage, isProductions }, probes, signal));
}

type Way = { readonly vantage: Vantage; readonly isProductions: Attribution };

function summarise(outcomes: readonly Outcome[]): VantageAnswers {
  const answered = outcomes.filter((outcome) => outcome.kind === "answered");
  const unanswered = outcomes.filter((outcome) => outcome.kind === "unanswered").length;
  const judged = answered.length + unanswered;
  if (judged === 0) {
    return both({ unknown: "no_data", detail: "production answered none of the probes itself" });
  }
  const expected = answered.filter((outcome) => outcome.isExpected).length;
  return {
    success: { value: expected / judged },
    latency:
      answered.length === 0
        ? { unknown: "timeout", detail: "no probe was answered" }
        : { value: Math.max(...answered.map((outcome) => outcome.tookMs)) },
  };
}

const both = (answer: Answer): VantageAnswers => ({ success: answer, latency: answer });

/** A few at a time, in order. */
async function runAll(
  way: Way,
  probes: readonly Probe[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const budget = AbortSignal.any([signal, AbortSignal.timeout(BUDGET_MS)]);
  const outcomes: Outcome[] = [];
  const waiting = [...probes];
  async function lane(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes.push(await run(way, next, budget));
    }
  }
  await Promise.all(Array.from({ length: PROBES_AT_ONCE }, lane));
  return outcomes;
}

/** Whatever goes wrong with the request itself is production not answering; that our budget ended is not. */
async function run(
  { vantage, isProductions }: Way,
  probed: Probe,
  budget: AbortSignal,
): Promise<Outcome> {
  if (budget.aborted) return { kind: "left_out" };
  const headers = await vantage.sign(probed.path);
  const startedAtMs = Date.now();
  try {
    const outcome = await withinDeadline(probed.timeout_ms, async (timeout): Promise<Outcome> => {
      const response = await vantage.fetch(vantage.baseUrl + probed.path, {
        method: "GET",
        headers: { ...headers, "user-agent": "firebreak-probe", "cache-control": "no-cache" },
        redirect: "manual",
        signal: AbortSignal.any([budget, timeout]),
      });
      if (!isProductions(response)) {
        await response.body?.cancel();
        return { kind: "left_out" };
      }
      const isExpected = await isAsExpected(response, probed.expect);
      return { kind: "answered", isExpected, tookMs: Date.now() - startedAtMs };
    });
    if (outcome.ok) return outcome.value;
  } catch {
    // The reason does not matter to the ratio, and messages of `fetch` may hold an internal address.
  }
  return { kind: budget.aborted ? "left_out" : "unanswered" };
}

async function isAsExpected(response: Response, expect: Probe["expect"]): Promise<boolean> {
  const { status, body_contains: wanted } = expect;
  if (response.status === status && wanted !== undefined) {
    return (await readStart(response, PROBE_BODY_BYTES_MAX)).includes(wanted);
  }
  await response.body?.cancel();
  return response.status === status;
}
