/**
 * A minute of mixed load over real workerd, while the policy changes every second: each answer names the policy that it was
 * decided on, and is exactly what that one policy says. Nothing fails for it, and next to nothing is decided on an old one.
 */
import { it } from "vitest";
import { startMixedLoad, type Answered } from "./mixed-load/run.ts";
import { expectedStatuses, KINDS, REQUESTS } from "./mixed-load/plan.ts";

const LASTS_MS = 60_000;
const REQUESTS_PER_SECOND = 500;
/** An isolate may be this far behind… */
const OLD_MS = 5_000;
/** …and no larger share of the requests further. */
const OLD_RATIO_MAX = 0.001;

it("answers every request by one whole policy while policies change every second", async ({
  expect,
}) => {
  await using load = await startMixedLoad();
  const { answered, policies, lateMs } = await load.run({
    lastsMs: LASTS_MS,
    perSecond: REQUESTS_PER_SECOND,
  });
  const wrong = answered.filter((answer) => !isRight(answer));
  const old = answered.filter(({ policy, atMs }) => {
    const supersededAtMs = policies.get(policy ?? "")?.supersededAtMs ?? Infinity;
    return atMs - supersededAtMs > OLD_MS;
  });
  console.info(
    `mixed load: ${answered.length} requests, ${policies.size} policies, ${old.length} on one older than ${OLD_MS} ms, generator at most ${lateMs} ms late`,
  );

  expect(wrong.slice(0, 10)).toEqual([]);
  expect(answered.length).toBeGreaterThanOrEqual((REQUESTS_PER_SECOND * LASTS_MS) / 1_000);
  expect(policies.size).toBeGreaterThanOrEqual(LASTS_MS / 1_000);
  expect(old.length / answered.length).toBeLessThanOrEqual(OLD_RATIO_MAX);
  // A load that never meets a policy of some kind would prove nothing about it.
  const met = new Set(answered.flatMap(({ policy }) => policies.get(policy ?? "")?.kinds ?? []));
  expect([...met].toSorted()).toEqual([...KINDS].toSorted());

  function isRight({ request, status, policy }: Answered): boolean {
    const inForce = policies.get(policy ?? "");
    if (inForce === undefined || status === null) return false;
    return expectedStatuses(REQUESTS[request], inForce.kinds).includes(status);
  }
});
