/** One backlog from its first delivery to an empty policy, lived once for every storage and outbound call, and ended there. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import type { Failure } from "../../../src/incidents/journal.ts";
import { Backlog, T0 } from "./life.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: T0, toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
});

const REFUSE: Failure = { class: "refuse", detail: "production answered 422" };

/** Three wait, one of them poisoned; maintenance ends; one joins; the poisoned one is driven again. */
async function live(backlog: Backlog): Promise<void> {
  let isMended = false;
  backlog.world.answer = (id) => (id === "b" && !isMended ? REFUSE : null);
  backlog.maintenance(true);
  for (const key of ["a", "b", "c"]) {
    const answer = await backlog.accept(key);
    if (!answer.taken) throw new Error(`${key} was not taken: ${answer.why}`);
    if (backlog.markers().length === 0) throw new Error(`${key} waits, and no guard was told`);
  }
  await backlog.ring();
  backlog.maintenance(false);
  await backlog.accept("d");
  await backlog.settle();
  isMended = true;
  await backlog.ask((journal) => journal.redrive(null));
  await backlog.settle();
}

/** Split, so that a failure names its half. */
const HALVES = [0, 1] as const;

describe("a journal that dies at its n-th storage or outbound call", () => {
  it.for(HALVES)(
    "delivers the same, every n of half %i",
    { timeout: 300_000 },
    async (half, { expect }) => {
      const undisturbed = new Backlog();
      await live(undisturbed);
      const points = undisturbed.world.fate.points.length;
      expect(points).toBeGreaterThan(100);
      expect(undisturbed.world.received).toEqual(["a", "c", "d", "b"]);
      for (let dieAt = half + 1; dieAt <= points; dieAt += HALVES.length) {
        vi.setSystemTime(T0);
        const backlog = new Backlog();
        backlog.world.fate.dieAt = dieAt;
        await live(backlog);
        const where = `${dieAt}: ${backlog.world.fate.points[dieAt - 1]}`;
        const { received } = backlog.world;
        const status = await backlog.ask((journal) => journal.status());
        expect({ where, deaths: backlog.deaths > 0 }).toEqual({ where, deaths: true });
        expect({ where, applied: backlog.world.applied() }).toEqual({
          where,
          applied: ["a", "c", "d", "b"],
        });
        expect({ where, status, policy: [...backlog.world.policy.keys()] }).toMatchObject({
          where,
          status: { backlogCount: 0, deadCount: 0 },
          policy: [],
        });
        // At least once, and once more only where it died between production's answer and its own note of it.
        expect(received.length - new Set(received).size, where).toBeLessThanOrEqual(1);
      }
    },
  );
});
