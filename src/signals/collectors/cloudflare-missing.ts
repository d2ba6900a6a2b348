/** What the collectors that ask Cloudflare's API say alike. */
import type { Failure } from "../../incidents/journal.ts";
import { formatDuration } from "../../shared/duration.ts";
import { err, type Result } from "../../shared/result.ts";

export const refuse = (detail: string): Result<never, Failure> => err({ class: "refuse", detail });
export const refuseMissing = (): Result<never, Failure> =>
  refuse("CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID are not set");

/** `"5m before the harm began"`, or after. */
export const agoText = (atMs: number, onsetAtMs: number): string =>
  atMs <= onsetAtMs
    ? `${formatDuration(onsetAtMs - atMs)} before the harm began`
    : `${formatDuration(atMs - onsetAtMs)} after the harm began`;
