/**
 * The suspicious requests that guards wrote down since the harm began, newest first: when, from which network, for what, and why they were
 * suspicious. There are some while `security-logging` is in force.
 */
import { err, ok } from "../../shared/result.ts";
import type { SuspiciousRequest } from "../../traffic/traffic-api.ts";
import { defineCollector } from "./collector.ts";

/** As JSON some 250 characters each. */
const LISTED_MAX = 50;
const COUNTED_MAX = 10;

export const suspiciousRequests = defineCollector({
  id: "suspicious-requests",

  async collect({ traffic, onsetAtMs }) {
    const { requests, leftOut, silentShards } = await traffic.logged(onsetAtMs);
    if (silentShards > 0 && requests.length === 0) {
      return err({ class: "retry", detail: "the traffic counters did not answer" });
    }
    const because = counted(requests, (request) => request.because);
    const networks = counted(requests, ({ network }) => network ?? "unknown");
    return ok({
      summary: summaryOf(requests, { because, networks, leftOut, isPart: silentShards > 0 }),
      facts: {
        silentShards,
        leftOut,
        because: Object.fromEntries(because),
        networks: Object.fromEntries(networks),
        paths: Object.fromEntries(counted(requests, ({ path }) => path)),
        requests: requests
          .slice(-LISTED_MAX)
          .toReversed()
          .map(({ atMs, ...request }) => ({ at: new Date(atMs).toISOString(), ...request })),
      },
    });
  },
});

type Count = readonly [string, number];
type Counts = {
  readonly because: readonly Count[];
  readonly networks: readonly Count[];
  readonly leftOut: number;
  readonly isPart: boolean;
};

function summaryOf(
  requests: readonly SuspiciousRequest[],
  { because, networks, leftOut, isPart }: Counts,
): string {
  const part = isPart ? " (a part: counters did not answer)" : "";
  const [most] = networks;
  if (most === undefined) return `No suspicious request was written down yet${part}`;
  const why = because
    .slice(0, 3)
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
  const more = leftOut > 0 ? `; for ${leftOut} more there was no room` : "";
  return `${requests.length} suspicious requests are written down (${why}), most of them from ${most[0]}${more}${part}`;
}

/** The most first. */
function counted(
  requests: readonly SuspiciousRequest[],
  of: (request: SuspiciousRequest) => string,
): readonly Count[] {
  const counts = new Map<string, number>();
  for (const request of requests) counts.set(of(request), (counts.get(of(request)) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, COUNTED_MAX);
}
