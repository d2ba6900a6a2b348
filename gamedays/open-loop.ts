/** Sends at a fixed rate whatever the answers (open loop): a slow site slows nobody down, as it does not in life. */

const TICK_MS = 25;

export type OpenLoop = {
  /** How many have been sent so many seconds after the start. */
  readonly dueBy: (seconds: number) => number;
  /** Under way at once; past it one is dropped without being sent. */
  readonly underWayMax: number;
  /** Never rejects. */
  readonly send: (number: number) => Promise<void>;
  readonly dropped: () => void;
};

/** Starts it. Disposing sends no more and waits for what is under way. */
export function startOpenLoop({ dueBy, underWayMax, send, dropped }: OpenLoop): AsyncDisposable {
  const underWay = new Set<Promise<void>>();
  const startedAtMs = Date.now();
  let sent = 0;
  const timer = setInterval(() => {
    const due = Math.floor(dueBy((Date.now() - startedAtMs) / 1_000));
    for (; sent < due; sent += 1) {
      if (underWay.size >= underWayMax) {
        dropped();
        continue;
      }
      const sending = send(sent).finally(() => underWay.delete(sending));
      underWay.add(sending);
    }
  }, TICK_MS);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await Promise.all(underWay);
    },
  };
}

/** Always the same rate. */
export const steadily =
  (perSecond: number) =>
  (seconds: number): number =>
    perSecond * seconds;
