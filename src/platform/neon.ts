/**
 * A thin client of Neon's control API: one call, one answer, never a retry. It says how a failure is to be taken, keeps below the
 * vendor's limits, and lets neither the key nor an endless answer through.
 */
import { z } from "zod";
import type { Failure } from "../incidents/journal.ts";
import { parseJson } from "../shared/json.ts";
import { redact } from "../shared/redact.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { BodyTooLargeError, boundBody } from "./bounded-body.ts";
import { withinDeadline } from "./deadline.ts";
import { errorName } from "./error-name.ts";
import { RateMeter, type RateBudget } from "./rate-budget.ts";

export const NEON_API_URL = "https://console.neon.tech/api/v2";
export const NEON_TIMEOUT_MS = 8_000;
export const NEON_BYTES_MAX = 1024 * 1024;
/** The vendor allows 700 a minute for an account, and 40 in a second of one kind. */
export const NEON_BUDGET: RateBudget = { perSecond: 3, burst: 30, reserve: 10 };
/** After a 429 nothing is asked for so long. */
const NEON_WAIT_MS = 10_000;
const MESSAGE_CHARS_MAX = 500;

export type NeonCall<T> = {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Below the project: `/branches/br-1`, each part already encoded; empty is the project itself. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** What a right answer looks like. */
  readonly result: z.ZodType<T>;
};

/** `status` is null when nothing was answered. */
export type NeonFailure = Failure & { readonly status: number | null };

export type Neon = {
  readonly call: <T>(call: NeonCall<T>) => Promise<Result<T, NeonFailure>>;
};

/** Production's database at Neon. */
export type NeonProduction = {
  readonly api: Neon;
  /** Null is the project's default branch. */
  readonly branchId: string | null;
};

export type NeonAccess = {
  readonly baseUrl: string;
  readonly projectId: string;
  readonly key: string;
  readonly timeoutMs?: number;
};

const problem = z.object({ code: z.string(), message: z.string() });

export function createNeon(
  { baseUrl, projectId, key, timeoutMs = NEON_TIMEOUT_MS }: NeonAccess,
  now: () => number = Date.now,
): Neon {
  const meter = new RateMeter(NEON_BUDGET);
  const project = `${baseUrl.replace(/\/$/, "")}/projects/${encodeURIComponent(projectId)}`;
  const fail: Fail = (kind, detail, status = null) => {
    const text = redact(`Neon: ${detail}`.replaceAll(key, "[redacted]"));
    return err({ class: kind, detail: text.slice(0, MESSAGE_CHARS_MAX), status });
  };

  return {
    async call(asked) {
      const { method, path, query = {}, body } = asked;
      const isRead = method === "GET";
      /** What may have been done cannot simply be done again; what was only read can. */
      const lost = isRead ? "retry" : "unknown_outcome";
      if (!meter.take(isRead ? "read" : "change", now())) {
        return fail("retry", "too much was asked of it lately; nothing was sent");
      }
      try {
        const url = new URL(project + path);
        for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
        const answered = await withinDeadline(timeoutMs, async (signal) => {
          const response = await fetch(url, {
            method,
            headers: headersOf(key, body),
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            redirect: "manual",
            signal,
          });
          const text = await boundBody(response, NEON_BYTES_MAX).text();
          return { status: response.status, text };
        });
        if (!answered.ok) return fail(lost, "no answer within the deadline");
        const { status } = answered.value;
        if (status === 429) meter.close(now() + NEON_WAIT_MS);
        return readAnswer(asked.result, { ...answered.value, lost }, fail);
      } catch (error) {
        const isGarbage = error instanceof BodyTooLargeError;
        return fail(lost, isGarbage ? "an answer too large to read" : errorName(error));
      }
    },
  };
}

type Answered = {
  readonly status: number;
  readonly text: string;
  /** How it is to be taken when nobody knows what became of it. */
  readonly lost: Failure["class"];
};

type Fail = (
  kind: Failure["class"],
  detail: string,
  status?: number | null,
) => Result<never, NeonFailure>;

function readAnswer<T>(
  result: z.ZodType<T>,
  { status, text, lost }: Answered,
  fail: Fail,
): Result<T, NeonFailure> {
  if (status === 429) return fail("retry", "it asks us to wait (HTTP 429)", status);
  // Nothing was done: another operation of the project has to end first.
  if (status === 423) return fail("retry", "the project is busy (HTTP 423)", status);
  if (status >= 500 || status === 408) return fail(lost, `HTTP ${status}`, status);
  const answer = parseJson(text);
  if (status >= 300) {
    const { success, data } = problem.safeParse(answer);
    return fail(
      "refuse",
      `${success ? `${data.message} (${data.code}); ` : ""}HTTP ${status}`,
      status,
    );
  }
  const read = result.safeParse(answer);
  return read.success ? ok(read.data) : fail(lost, "an answer that makes no sense", status);
}

const headersOf = (key: string, body: unknown): Readonly<Record<string, string>> => ({
  authorization: `Bearer ${key}`,
  accept: "application/json",
  "user-agent": "firebreak",
  ...(body === undefined ? {} : { "content-type": "application/json" }),
});
