/**
 * Paths by the route behind them, as far as a path shows it: a segment that looks like somebody's number or key is `:id`. For
 * counting only; nothing is decided by it.
 */
import { mix32 } from "../sketches/hash.ts";

/** What comes after these many segments, or characters, is `*`. */
export const SEGMENTS_MAX = 8;
export const TEMPLATE_CHARS_MAX = 200;
/** A segment this long is an id when it has a digit, … */
const ID_CHARS_MIN = 8;
/** …and this long without one, too. */
const WORD_CHARS_MAX = 32;

/** `/orders/1234/items` is `/orders/:id/items`. */
export function templateOf(path: string): string {
  const [, ...segments] = path.slice(0, TEMPLATE_CHARS_MAX).split("/");
  const isCut = path.length > TEMPLATE_CHARS_MAX || segments.length > SEGMENTS_MAX;
  const kept = segments.slice(0, SEGMENTS_MAX).map((segment) => {
    const digits = segment.replaceAll(/[^0-9]/g, "").length;
    return isId(segment.length, digits) ? ":id" : segment;
  });
  return `/${kept.join("/")}${isCut ? "/*" : ""}`;
}

/** An unsigned word that is the same for two paths when their templates are; nothing is put together to find it. */
export function templateHash(path: string): number {
  const length = Math.min(path.length, TEMPLATE_CHARS_MAX);
  let hash = 0;
  let segmentHash = 0;
  let segmentFrom = 1;
  let segments = 0;
  let digits = 0;
  // The first character is the slash that every path begins with; one more after the last ends the last segment.
  for (let at = 1; at <= length; at += 1) {
    const code = at < length ? path.charCodeAt(at) : SLASH;
    if (code !== SLASH) {
      segmentHash = step(segmentHash, code);
      if (code >= 48 && code <= 57) digits += 1;
      continue;
    }
    if (segments === SEGMENTS_MAX) return mix32(step(hash, STAR));
    hash = step(hash, isId(at - segmentFrom, digits) ? COLON : segmentHash);
    segments += 1;
    segmentFrom = at + 1;
    segmentHash = SLASH;
    digits = 0;
  }
  return mix32(length < path.length ? step(hash, STAR) : hash);
}

const SLASH = 47;
const STAR = 42;
const COLON = 58;

const isId = (length: number, digits: number): boolean =>
  length > 0 &&
  (digits === length || (digits > 0 && length >= ID_CHARS_MIN) || length > WORD_CHARS_MAX);

function step(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word ^ 0x9e3779b1, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
