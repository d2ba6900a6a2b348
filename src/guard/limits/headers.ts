/**
 * The `RateLimit` fields (draft-ietf-httpapi-ratelimit-headers-11): lists of String items with parameters, as RFC 9651 writes
 * them. `RateLimit-Policy` says what the limits are and stays the same; `RateLimit` says what is left of them.
 */
import type { Quota } from "./gcra.ts";

export const POLICY_FIELD = "RateLimit-Policy";
export const LIMIT_FIELD = "RateLimit";

export type QuotaUnit = "requests" | "content-bytes" | "concurrent-requests";

export type QuotaPolicy = {
  readonly name: string;
  readonly quota: Pick<Quota, "limit" | "windowMs">;
  /** `requests` goes without saying. */
  readonly unit?: QuotaUnit;
  readonly partition?: Uint8Array;
};

export type ServiceLimit = {
  readonly name: string;
  readonly remaining: number;
  /** Until there is more; null leaves it open. */
  readonly resetMs: number | null;
  readonly partition?: Uint8Array;
};

/** `"login";q=10;w=60`. Windows are whole seconds on the wire, rounded up: a client that believes it asks too seldom. */
export const policyField = (policies: readonly QuotaPolicy[]): string =>
  policies
    .map(({ name, quota, unit, partition }) =>
      item(name, [
        ["q", String(quota.limit)],
        ["qu", unit === undefined || unit === "requests" ? null : sfString(unit)],
        ["w", String(Math.max(1, seconds(quota.windowMs)))],
        ["pk", bytes(partition)],
      ]),
    )
    .join(", ");

/** `"login";r=0;t=7`. */
export const limitField = (limits: readonly ServiceLimit[]): string =>
  limits
    .map(({ name, remaining, resetMs, partition }) =>
      item(name, [
        ["r", String(Math.max(0, Math.floor(remaining)))],
        ["t", resetMs === null ? null : String(seconds(resetMs))],
        ["pk", bytes(partition)],
      ]),
    )
    .join(", ");

/** What an answer to a limited request carries beside `Retry-After`. */
export const refusalFields = (
  policy: QuotaPolicy,
  retryAfterMs: number,
): Readonly<Record<string, string>> => {
  const { name, partition } = policy;
  const limit = { name, remaining: 0, resetMs: retryAfterMs };
  return {
    [POLICY_FIELD]: policyField([policy]),
    [LIMIT_FIELD]: limitField([partition === undefined ? limit : { ...limit, partition }]),
  };
};

/** `Retry-After` is at least a second, or clients retry at once. */
export const retryAfterSecondsOf = (retryAfterMs: number): number =>
  Math.max(1, seconds(retryAfterMs));

type Parameter = readonly [key: string, value: string | null];

const item = (name: string, parameters: readonly Parameter[]): string =>
  sfString(name) +
  parameters.map(([key, value]) => (value === null ? "" : `;${key}=${value}`)).join("");

/** RFC 9651 strings hold printable ASCII; anything else in a name becomes `?` rather than a broken header. */
const sfString = (text: string): string =>
  `"${text.replaceAll(/[^\x20-\x7e]/g, "?").replaceAll(/["\\]/g, String.raw`\$&`)}"`;

const bytes = (value: Uint8Array | undefined): string | null =>
  value === undefined ? null : `:${btoa(String.fromCharCode(...value))}:`;

const seconds = (durationMs: number): number => Math.max(0, Math.ceil(durationMs / 1_000));
