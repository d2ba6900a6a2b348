/** Looks at the public status page all along, as a customer who keeps reloading would. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Firebreak } from "./firebreak.ts";

const POLL_MS = 500;

export type StatusSample = {
  readonly atMs: number;
  /** As Statuspage's clients read it; `unreadable` when there was no answer. */
  readonly indicator: string;
  readonly components: readonly string[];
};

export type StatusWatch = AsyncDisposable & {
  readonly samples: readonly StatusSample[];
};

export function watchStatus(firebreak: Firebreak): StatusWatch {
  const samples: StatusSample[] = [];
  const ending = new AbortController();
  const watching = (async () => {
    while (!ending.signal.aborted) {
      const atMs = Date.now();
      try {
        const { status, components } = await firebreak.statusSummary();
        const found = components.map((component) => component.status);
        samples.push({ atMs, indicator: status.indicator, components: found });
      } catch {
        // A customer sees an error; what it was does not matter here.
        samples.push({ atMs, indicator: "unreadable", components: [] });
      }
      await sleep(POLL_MS, undefined, { signal: ending.signal }).catch(() => {});
    }
  })();
  return {
    samples,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await watching;
    },
  };
}
