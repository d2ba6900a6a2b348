/** The last steps of a start, over HTTP as a person would take them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { StackInfo } from "./stack.ts";

const HEALTHY_WITHIN_MS = 30_000;
const POLL_MS = 100;
const REQUEST_TIMEOUT_MS = 5_000;

/** Resolves when `url` answers 200. @throws {Error} with its last answer, when that takes too long. */
export async function untilHealthy(url: string, signal?: AbortSignal): Promise<void> {
  const deadlineMs = Date.now() + HEALTHY_WITHIN_MS;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ask(url);
    if (answer.ok) return;
    if (Date.now() > deadlineMs) throw new Error(`${url} did not get healthy: ${answer.detail}`);
    await sleep(POLL_MS);
  }
}

/** Firebreak starts in shadow; on this machine it may act. A refusal is a warning, as all else works. */
export async function setAutopilotOn(
  info: Pick<StackInfo, "guard" | "token">,
  warn: (line: string) => void,
): Promise<void> {
  const answer = await ask(`${info.guard}/_firebreak/api/v1/autopilot`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${info.token.admin}`, "Content-Type": "application/json" },
    body: JSON.stringify({
      mode: "on",
      reason: "the local stack acts by itself",
      for: "12h",
    }),
  });
  if (!answer.ok) warn(`the autopilot could not be set to "on": ${answer.detail}`);
}

const DETAIL_CHARS_MAX = 200;

async function ask(url: string, init: RequestInit = {}): Promise<{ ok: boolean; detail: string }> {
  try {
    const response = await fetch(url, {
      ...init,
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    const text = (await response.text()).slice(0, DETAIL_CHARS_MAX);
    return { ok: response.ok, detail: `${response.status} ${text}` };
  } catch (error) {
    return { ok: false, detail: String(error) };
  }
}
