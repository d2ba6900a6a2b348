/**
 * `Promise.all` that waits for every part before it fails, so that nothing is still being started while what started
 * before is taken down.
 */
export async function settleAll<const T extends readonly unknown[]>(
  parts: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}
