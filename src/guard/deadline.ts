/** `promise`, or `late` when it has not settled after `deadlineMs`. What it would have thrown, it still throws. */
export async function within<T, L>(
  promise: Promise<T>,
  deadlineMs: number,
  late: L,
): Promise<T | L> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const timeout = new Promise<L>((resolve) => {
    timer = setTimeout(() => resolve(late), deadlineMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}
