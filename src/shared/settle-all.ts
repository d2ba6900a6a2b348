/** Runs all tasks side by side; every one gets its turn, and the first failure is thrown when all have had theirs. */
export async function settleAll(tasks: readonly (() => Promise<unknown>)[]): Promise<void> {
  const settled = await Promise.allSettled(tasks.map(async (task) => task()));
  const failure = settled.find((result) => result.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
