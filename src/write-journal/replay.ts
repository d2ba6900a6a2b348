/** One attempt to give production a delivery, and what its answer means. */
import type { Failure } from "../incidents/journal.ts";
import { REPLAY_HEADER } from "../guard/write-journal/envelope.ts";
import { withinDeadline } from "../platform/deadline.ts";
import { errorName } from "../platform/error-name.ts";
import { err, ok, type Result } from "../shared/result.ts";
import type { JournalDelivery } from "./journal-api.ts";

export const REPLAY_DEADLINE_MS = 15_000;
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** `token` is the envelope; `origin` is production, past the guard. Never throws. */
export async function replay(
  delivery: Pick<JournalDelivery, "url" | "headers" | "body">,
  token: string,
  origin: (request: Request) => Promise<Response>,
): Promise<Result<null, Failure>> {
  const headers = new Headers(delivery.headers.map(({ name, value }) => [name, value]));
  headers.set(REPLAY_HEADER, token);
  try {
    const answered = await withinDeadline(REPLAY_DEADLINE_MS, async (signal) => {
      const init = { method: "POST", headers, body: delivery.body, signal } as const;
      // A redirect would carry the delivery to an address that nobody configured.
      const response = await origin(new Request(delivery.url, { ...init, redirect: "manual" }));
      await response.body?.cancel();
      return response.status;
    });
    if (answered.ok) return classify(answered.value);
    return err({ class: "unknown_outcome", detail: "production did not answer in time" });
  } catch (fault) {
    const detail = `production could not be asked: ${errorName(fault)}`;
    return err({ class: "unknown_outcome", detail });
  }
}

function classify(status: number): Result<null, Failure> {
  if (status >= 200 && status < 300) return ok(null);
  const detail = `production answered ${status}`;
  const isPassing = status >= 500 || RETRYABLE_STATUSES.has(status);
  return err({ class: isPassing ? "retry" : "refuse", detail });
}
