/**
 * Runs `work` one at a time: a call while it runs waits for that run and one more, so that what the caller left to do
 * just before is never missed.
 */
export function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let isAskedAgain = false;
  const loop = async (): Promise<void> => {
    try {
      do {
        isAskedAgain = false;
        await work();
      } while (isAskedAgain);
    } finally {
      // In the same turn as the last look at `isAskedAgain`: no call falls between.
      running = null;
    }
  };
  return () => {
    isAskedAgain = true;
    running ??= loop();
    return running;
  };
}
