/** Asks a part of ours without depending on it. */

/** A part that takes longer has not answered. */
const PART_DEADLINE_MS = 1_500;

/** What the part answered, or null when it failed or took too long. */
export async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  const { promise: deadline, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), PART_DEADLINE_MS);
  // A part that fails is a part that did not answer.
  const settled = answer.catch(() => null);
  const first = await Promise.race([settled, deadline]);
  clearTimeout(timer);
  return first;
}
