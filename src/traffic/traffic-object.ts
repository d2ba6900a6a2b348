/** Merges what guards report and answers what the last minutes looked like; wakes the monitor when they look bad. */
import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { CIDR_CHARS_MAX } from "../guard/ip/cidr.ts";
import { isDistinct } from "../sketches/merged-talkers.ts";
import { DIMENSIONS, NAME_CHARS_MAX, REPORTED_MAX } from "../sketches/top-talkers.ts";
import { Heard } from "./heard.ts";
import { LoggedRows, loggedReport } from "./logged-rows.ts";
import { ReportMemory, REPORTS_KEPT_SECONDS } from "./report-memory.ts";
import { signInFigures } from "./sign-in-figures.ts";
import { LATELY_SECONDS } from "./sign-in-memory.ts";
import {
  isSignInSuspicious,
  isSuspicious,
  SUSPICION_SECONDS,
  type SuspicionLimits,
} from "./suspicion.ts";
import { SECTION_CHARS_MAX, SECTIONS_MAX } from "./section-tally.ts";
import { TALKERS_KEPT_SECONDS } from "./talker-memory.ts";
import { LABELS_MAX } from "./tally.ts";
import { isClients, TOUCHED_ENTRIES_MAX } from "./touched.ts";
import { prepareRows } from "./traffic-rows.ts";
import {
  CONDUCT_CLIENTS_MAX,
  CONDUCT_PATHS_MAX,
  FLUSH_SECONDS_MAX,
  LATENCY_BOUNDS_MS,
  SIGN_INS_TOLD_MAX,
  type ConductWindow,
  type LoggedWindow,
  type ReportFlush,
  type ReportsWindow,
  type SignInsWindow,
  type TalkersWindow,
  type TouchedWindow,
  type TrafficApi,
  type TrafficFlush,
  type TrafficWindow,
} from "./traffic-api.ts";
import { KEPT_SECONDS, TrafficMemory } from "./window.ts";
import { say } from "../shared/log.ts";

/** Between two wake-ups of the monitor. */
export const SUSPICION_INTERVAL_MS = 5_000;

export type TrafficDeps = {
  readonly suspicion: () => SuspicionLimits;
  readonly onSuspicion: () => Promise<void>;
};

/** Ids, and the templates of paths. */
const LABEL_CHARS_MAX = 250;

const count = z.int().min(0);
const labels = z
  .record(z.string().max(LABEL_CHARS_MAX), count)
  .refine((given) => Object.keys(given).length <= LABELS_MAX + 1, "too many labels");
const second = z.int().min(0);
const dimensionCut = z.object({
  dimension: z.enum(DIMENSIONS),
  total: count,
  refused: count,
  distinct: z.instanceof(Uint8Array).refine(isDistinct, "not a sketch of ours"),
  top: z
    .array(
      z.object({
        name: z.string().max(NAME_CHARS_MAX),
        count,
        atLeast: count,
        refused: count,
      }),
    )
    .max(REPORTED_MAX),
});
const distinctCut = z
  .object({
    total: count,
    distinct: z.instanceof(Uint8Array).refine(isDistinct, "not a sketch of ours"),
  })
  .optional()
  .catch(undefined);
/** What a later version says differently is missing, and costs the other counts nothing. */
const talkers = z
  .object({
    fromSecond: second,
    untilSecond: second,
    dimensions: z.array(dimensionCut).max(DIMENSIONS.length),
    urls: distinctCut,
    harmed: distinctCut,
    sections: z
      .array(z.object({ section: z.string().max(SECTION_CHARS_MAX), requests: count }))
      .max(SECTIONS_MAX + 1)
      .optional()
      .catch(undefined),
  })
  .optional()
  .catch(undefined);
const touched = z
  .array(
    z.object({
      entryId: z.string().min(1).max(100),
      requests: count,
      verifiedBots: count,
      clients: z.instanceof(Uint8Array).refine(isClients, "not a sketch of ours"),
      routes: labels,
    }),
  )
  .max(TOUCHED_ENTRIES_MAX + 1)
  .optional()
  .catch(undefined);
const conduct = z
  .object({
    requests: count,
    clientErrors: count,
    clients: z
      .array(
        z.object({
          client: z.string().min(1).max(CIDR_CHARS_MAX),
          requests: count,
          clientErrors: count,
          scannerPaths: count,
          paths: z
            .instanceof(Uint32Array)
            .refine(
              ({ length }) => length % 2 === 0 && length <= 2 * CONDUCT_PATHS_MAX,
              "not pairs",
            ),
        }),
      )
      .max(CONDUCT_CLIENTS_MAX),
  })
  .optional()
  .catch(undefined);
const trafficFlush = z.object({
  isolate: z.string().min(1).max(64),
  n: z.int().min(1),
  seconds: z
    .array(
      z.object({
        second: count,
        // Guards of an earlier version did not count them.
        asked: count.default(0),
        served: count,
        failed: count,
        refused: labels,
        shadowed: labels,
        policySeqs: labels,
        latency: z.array(count).length(LATENCY_BOUNDS_MS.length + 1),
        faults: count,
        unknownEntries: count,
        // Guards of an earlier version report none.
        challenges: labels.default({}),
      }),
    )
    .max(FLUSH_SECONDS_MAX),
  talkers,
  touched,
  conduct,
  // What a later version writes down differently is missing, and costs the counts nothing.
  logged: loggedReport.optional().catch(undefined),
});

const REPORT_KINDS_MAX = 64;
/** Of a keyed hash. */
const ACCOUNT_CHARS_MAX = 64;
const reportFlush = z.object({
  isolate: z.string().min(1).max(64),
  n: z.int().min(1),
  seconds: z
    .array(
      z.object({
        second,
        counts: z
          .record(z.string().max(60), count)
          .refine((given) => Object.keys(given).length <= REPORT_KINDS_MAX, "too many kinds"),
      }),
    )
    .max(FLUSH_SECONDS_MAX),
  // What a later version says differently is missing, and costs the counts nothing.
  signIns: z
    .array(
      z.object({
        second,
        address: z.string().min(1).max(CIDR_CHARS_MAX),
        account: z.string().min(1).max(ACCOUNT_CHARS_MAX).nullable(),
        failed: count,
        succeeded: count,
      }),
    )
    .max(SIGN_INS_TOLD_MAX)
    .optional()
    .catch(undefined),
});

/** Counts are in memory alone, but for suspicious requests that were to be written down: after an eviction the window begins after what is forgotten, and says so by `fromSecond`. */
export class TrafficObject<Env = unknown> extends DurableObject<Env> implements TrafficApi {
  readonly #deps: TrafficDeps;
  readonly #heard: Heard;
  readonly #memory: TrafficMemory;
  readonly #reports: ReportMemory;
  readonly #logged: LoggedRows;
  #suspectedAtMs = -Infinity;

  constructor(ctx: DurableObjectState, env: Env, deps: TrafficDeps) {
    super(ctx, env);
    this.#deps = deps;
    prepareRows(ctx.storage.sql, Date.now());
    this.#heard = new Heard(ctx.storage.sql);
    this.#logged = new LoggedRows(ctx.storage.sql);
    this.#memory = new TrafficMemory(this.#heard.untilMs);
    this.#reports = new ReportMemory(this.#heard.untilMs);
  }

  async flush(given: TrafficFlush): Promise<void> {
    const nowMs = Date.now();
    const flush = trafficFlush.parse(given);
    this.#heard.hear(nowMs);
    this.#memory.add(flush, nowMs);
    const { isolate, n, logged } = flush;
    if (logged !== undefined) this.#logged.add({ isolate, n, logged }, nowMs);
    if (!this.#maySuspect(nowMs)) return;
    const nowSecond = Math.floor(nowMs / 1_000);
    const lately = this.#memory.lately(SUSPICION_SECONDS, nowSecond);
    if (isSuspicious(lately, nowSecond, this.#deps.suspicion())) this.#suspect(nowMs);
  }

  async report(given: ReportFlush): Promise<void> {
    const nowMs = Date.now();
    const flush = reportFlush.parse(given);
    this.#heard.hear(nowMs);
    const isUrgent = this.#reports.add(flush, nowMs);
    if (!this.#maySuspect(nowMs)) return;
    const signedIn = flush.signIns ?? [];
    if (isUrgent || (signedIn.length > 0 && this.#isTryingPasswords(nowMs))) this.#suspect(nowMs);
  }

  async window(seconds: number, untilSecond: number): Promise<TrafficWindow> {
    return this.#memory.window(Math.min(seconds, KEPT_SECONDS), untilSecond);
  }

  async talkers(seconds: number, untilSecond: number): Promise<TalkersWindow> {
    return this.#memory.talkers(Math.min(seconds, TALKERS_KEPT_SECONDS), untilSecond);
  }

  async conduct(nowSecond: number): Promise<ConductWindow> {
    return this.#memory.conduct(nowSecond);
  }

  async touched(): Promise<TouchedWindow> {
    return this.#memory.touched();
  }

  async logged(sinceMs: number): Promise<LoggedWindow> {
    return this.#logged.since(sinceMs, Date.now());
  }

  async reports(seconds: number, nowSecond: number): Promise<ReportsWindow> {
    return this.#reports.window(Math.min(seconds, REPORTS_KEPT_SECONDS), nowSecond);
  }

  async signIns(nowSecond: number): Promise<SignInsWindow> {
    return this.#reports.signIns(nowSecond);
  }

  #isTryingPasswords(nowMs: number): boolean {
    const nowSecond = Math.floor(nowMs / 1_000);
    const { counts } = this.#reports.window(LATELY_SECONDS, nowSecond);
    const figures = signInFigures(this.#reports.signIns(nowSecond), nowSecond);
    return isSignInSuspicious(figures, counts["auth.failed"] ?? 0, this.#deps.suspicion());
  }

  #maySuspect(nowMs: number): boolean {
    return nowMs - this.#suspectedAtMs >= SUSPICION_INTERVAL_MS;
  }

  #suspect(nowMs: number): void {
    this.#suspectedAtMs = nowMs;
    this.ctx.waitUntil(this.#wakeMonitor());
  }

  /** The monitor's own tick comes anyway; this only makes it sooner. */
  async #wakeMonitor(): Promise<void> {
    try {
      await this.#deps.onSuspicion();
    } catch (fault) {
      say("warn", {
        part: "traffic",
        detail: "waking the monitor failed; its next tick will see the errors",
        fault: String(fault),
      });
    }
  }
}
