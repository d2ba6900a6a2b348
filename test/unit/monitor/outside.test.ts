import { it, onTestFinished, vi } from "vitest";
import { feed, INCIDENT_MS_MAX, type Outside } from "../../../src/monitor/outside.ts";

it("a hung incident neither delays another nor holds up the tick past its deadline", async ({
  expect,
}) => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const handled: string[] = [];
  const outside: Outside = {
    desk: () => ({
      trigger: () => Promise.reject(new Error("not asked")),
      open: () => Promise.reject(new Error("not asked")),
    }),
    incident: (id) => ({
      handle: async () => {
        if (id === "inc_hung") await new Promise(() => {});
        handled.push(id);
        return { ok: true, seq: 1, events: [] };
      },
    }),
    setPollMs: () => Promise.reject(new Error("not asked")),
  };
  const follow = (id: string) => ({
    id,
    playbook: "outage",
    isOpen: true,
    isWatched: true,
    nextWakeAtMs: null,
  });
  let isFed = false;
  const fed = feed(
    [follow("inc_hung"), follow("inc_fine")],
    { tickAtMs: 1, nowMs: 1, signals: {}, autopilotOf: () => "on" },
    outside,
  ).then(() => (isFed = true));

  await vi.advanceTimersByTimeAsync(INCIDENT_MS_MAX - 1);
  expect(handled).toEqual(["inc_fine"]);
  expect(isFed).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await fed;
});
