/** A reader of Statuspage's public JSON: several base URLs, asked in order, because the first may refuse Workers. */
import { z } from "zod";
import { BodyTooLargeError, boundBody } from "./bounded-body.ts";
import { withinDeadline } from "./deadline.ts";
import { errorName } from "./error-name.ts";
import { err, ok, type Result } from "../shared/result.ts";

export const STATUS_URLS_MAX = 3;
export const STATUS_BYTES_MAX = 1024 * 1024;
/** Each base URL gets this long, so that a hung first one leaves time for the next. */
export const STATUS_URL_TIMEOUT_MS = 2_500;

const status = z.object({
  indicator: z.enum(["none", "minor", "major", "critical", "maintenance"]),
  description: z.string().max(500),
});
const summary = z.object({
  status,
  components: z.array(z.object({ name: z.string(), status: z.string() })),
  incidents: z.array(z.object({ name: z.string(), impact: z.string(), status: z.string() })),
});

export type PageStatus = z.infer<typeof status>;
export type PageSummary = z.infer<typeof summary>;

/** Why nothing is known about the vendor; none of it says that the vendor is down. */
export type StatusPageFailure = {
  readonly kind: "timeout" | "refused" | "malformed";
  readonly detail: string;
};

export type StatusPage = {
  readonly status: (signal: AbortSignal) => Promise<Result<PageStatus, StatusPageFailure>>;
  readonly summary: (signal: AbortSignal) => Promise<Result<PageSummary, StatusPageFailure>>;
};

/** Reads the page at the first of `baseUrls` that gives a sensible answer; the last failure stands for all. */
export function createStatusPage(
  baseUrls: readonly string[],
  urlTimeoutMs = STATUS_URL_TIMEOUT_MS,
): StatusPage {
  async function firstOf<T>(path: string, shape: z.ZodType<T>, signal: AbortSignal) {
    let last: Result<T, StatusPageFailure> = err({ kind: "refused", detail: "no URL to ask" });
    for (const baseUrl of baseUrls.slice(0, STATUS_URLS_MAX)) {
      const url = `${baseUrl.replace(/\/$/, "")}${path}`;
      last = await read(url, shape, { signal, urlTimeoutMs });
      if (last.ok || signal.aborted) return last;
    }
    return last;
  }
  return {
    async status(signal) {
      const page = await firstOf("/api/v2/status.json", z.object({ status }), signal);
      return page.ok ? ok(page.value.status) : page;
    },
    summary: (signal) => firstOf("/api/v2/summary.json", summary, signal),
  };
}

async function read<T>(
  url: string,
  shape: z.ZodType<T>,
  { signal, urlTimeoutMs }: { readonly signal: AbortSignal; readonly urlTimeoutMs: number },
): Promise<Result<T, StatusPageFailure>> {
  try {
    const answer = await withinDeadline(urlTimeoutMs, async (deadline) => {
      const response = await fetch(url, {
        headers: { accept: "application/json", "user-agent": "firebreak" },
        signal: AbortSignal.any([signal, deadline]),
      });
      if (response.ok) return { json: await boundBody(response, STATUS_BYTES_MAX).json() };
      await response.body?.cancel();
      return { refusedWith: response.status };
    });
    if (!answer.ok) return err({ kind: "timeout", detail: "no answer within the deadline" });
    if (!("json" in answer.value)) {
      return err({ kind: "refused", detail: `HTTP ${answer.value.refusedWith}` });
    }
    const parsed = shape.safeParse(answer.value.json);
    return parsed.success
      ? ok(parsed.data)
      : err({ kind: "malformed", detail: "not a status page's JSON" });
  } catch (error) {
    if (signal.aborted) return err({ kind: "timeout", detail: "no answer within the deadline" });
    const isGarbage = error instanceof SyntaxError || error instanceof BodyTooLargeError;
    return err({ kind: isGarbage ? "malformed" : "refused", detail: errorName(error) });
  }
}
