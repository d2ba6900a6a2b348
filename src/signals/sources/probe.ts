/**
 * Asks production by itself: straight past the guard, and through the guard. What the guard answered on its own behalf
 * (maintenance, read-only) says nothing about production, so such an answer is neither a success nor a failure.
 */
import { readStart } from "../../platform/bounded-body.ts";
import { withinDeadline } from "../../platform/deadline.ts";
import type { SiteSpec } from "../../playbooks/site.ts";
import {
  defineSource,
  type Answer,
  type PollContext,
  type ProbeInit,
  type Vantage,
} from "../source.ts";

/** An assertion on the body looks at no more than this. */
export const PROBE_BODY_BYTES_MAX = 64 * 1024;
/** An invocation may wait for six connections; these are its probes', per vantage. */
const PROBES_AT_ONCE = 5;
/** Probes that could not end by then are left out: they say nothing. */
const BUDGET_MS = 11_000;

/** On answers to signed requests the guard says what it decided; `serve` is production's own answer. */
export const VERDICT_HEADER = "x-firebreak-verdict";

type Probe = SiteSpec["probes"][number];
type Outcome =
  | { readonly kind: "answered"; readonly isExpected: boolean; readonly tookMs: number }
  | { readonly kind: "unanswered" }
  | { readonly kind: "by_guard" }
  | { readonly kind: "left_out" };

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
      readVantage(context.around, "neither ORIGIN nor ORIGIN_URL is set", context),
      readVantage(context.through, "SIGNING_KEYS is not set", context),
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
  vantage: Vantage | null,
  missing: string,
  { probes, signal }: PollContext,
): Promise<VantageAnswers> {
  const detail = probes.length === 0 ? "site.yaml declares no probes" : missing;
  if (probes.length === 0 || vantage === null) return both({ unknown: "not_configured", detail });
  return summarise(await runAll(vantage, probes, signal));
}

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
  vantage: Vantage,
  probes: readonly Probe[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const budget = AbortSignal.any([signal, AbortSignal.timeout(BUDGET_MS)]);
  const outcomes: Outcome[] = [];
  const waiting = [...probes];
  async function lane(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes.push(await run(vantage, next, budget));
    }
  }
  await Promise.all(Array.from({ length: PROBES_AT_ONCE }, lane));
  return outcomes;
}

/** Whatever goes wrong with the request itself is production not answering; that our budget ended is not. */
async function run(vantage: Vantage, probed: Probe, budget: AbortSignal): Promise<Outcome> {
  if (budget.aborted) return { kind: "left_out" };
  const headers = await vantage.sign(probed.path);
  const startedAtMs = Date.now();
  try {
    const outcome = await withinDeadline(probed.timeout_ms, async (timeout) => {
      const response = await vantage.fetch(vantage.baseUrl + probed.path, {
        method: "GET",
        headers: { ...headers, "user-agent": "firebreak-probe", "cache-control": "no-cache" },
        redirect: "manual",
        signal: AbortSignal.any([budget, timeout]),
      } satisfies ProbeInit);
      return judge(response, probed, startedAtMs);
    });
    if (outcome.ok) return outcome.value;
    return budget.aborted ? { kind: "left_out" } : { kind: "unanswered" };
  } catch {
    // The reason does not matter to the ratio, and messages of `fetch` may hold an internal address.
    return budget.aborted ? { kind: "left_out" } : { kind: "unanswered" };
  }
}

async function judge(response: Response, probed: Probe, startedAtMs: number): Promise<Outcome> {
  const verdict = response.headers.get(VERDICT_HEADER);
  const { status, body_contains: wanted } = probed.expect;
  if (verdict !== null && !isServed(verdict)) {
    await response.body?.cancel();
    return { kind: "by_guard" };
  }
  if (response.status !== status || wanted === undefined) {
    await response.body?.cancel();
    return answered(response.status === status, startedAtMs);
  }
  const text = await readStart(response, PROBE_BODY_BYTES_MAX);
  return answered(text.includes(wanted), startedAtMs);
}

const answered = (isExpected: boolean, startedAtMs: number): Outcome => ({
  kind: "answered",
  isExpected,
  tookMs: Date.now() - startedAtMs,
});

/** The header starts with the verdict's action. */
const isServed = (verdict: string): boolean => /^serve\b/.test(verdict);
