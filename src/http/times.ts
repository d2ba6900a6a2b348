/** Over HTTP, moments are RFC 3339 in UTC (`…At`); inside, they are epoch milliseconds (`…AtMs`). */

const DEPTH_MAX = 32;
/** ECMAScript's last moment; a number beyond it is no time. */
const TIME_MS_MAX = 8.64e15;
const MOMENT = /^(?:at|since|.*(?:At|Since))Ms$/;

/** `1764000000000` → `"2025-11-24T16:00:00.000Z"`. */
export const iso = (atMs: number): string => new Date(atMs).toISOString();

/** The same, for what may not have happened. */
export const isoOrNull = (atMs: number | null): string | null => (atMs === null ? null : iso(atMs));

/** Rewrites every moment in data whose shape is open: `{ expiresAtMs: 0 }` → `{ expiresAt: "1970-01-01T00:00:00.000Z" }`. */
export function withIsoTimes(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return value;
  if (Array.isArray(value)) return value.map((item) => withIsoTimes(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) =>
      isMoment(key, member)
        ? [key.slice(0, -"Ms".length), iso(member)]
        : [key, withIsoTimes(member, depth + 1)],
    ),
  );
}

const isMoment = (key: string, member: unknown): member is number =>
  typeof member === "number" && Math.abs(member) <= TIME_MS_MAX && MOMENT.test(key);
