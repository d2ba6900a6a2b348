/** What the guard writes down of suspicious requests, and what it never does. */
import { describe, it } from "vitest";
import { isScannerPath } from "../../../src/guard/scanner-paths.ts";
import { SecurityLog, USER_AGENT_CHARS_MAX } from "../../../src/guard/security-log.ts";
import type { Outcome } from "../../../src/guard/telemetry.ts";
import { LOGGED_MAX } from "../../../src/traffic/traffic-api.ts";
import { factsFrom } from "../../support/isolates.ts";

const NOW_MS = 1_795_000_000_000;
const served = (status: number): Outcome => ({ kind: "served", latencyMs: 5, status });
const refused = (reason: string): Outcome => ({ kind: "refused", reason });
const failed: Outcome = { kind: "failed", latencyMs: 5, isCovered: false };

function noted(outcome: Outcome, changes: Parameters<typeof factsFrom>[1] = {}) {
  const log = new SecurityLog();
  log.note(outcome, factsFrom(0xcb00_7107, changes), NOW_MS);
  return log.cut()?.requests[0] ?? null;
}

describe("the security log", () => {
  it("writes down who was turned away, without what tells who it was", ({ expect }) => {
    expect(
      noted(served(404), {
        method: "POST",
        path: "/users/ada@example.com/orders/81234",
        ja4: () => "t13d1516h2_8daaf6152771_02713d6af862",
      }),
    ).toEqual({
      atMs: NOW_MS,
      network: "203.0.113.0/24",
      country: "NL",
      asn: 64_500,
      ja4: "t13d1516h2_8daaf6152771_02713d6af862",
      userAgent: "a-browser",
      method: "POST",
      path: "/users/:id/orders/:id",
      because: "status_404",
    });
  });

  it("takes a subscriber of IPv6 for a network of many", ({ expect }) => {
    const address = { family: 6, words: Uint32Array.of(0x2001_0db8, 0x0001_0002, 3, 4) } as const;
    expect(noted(served(401), { address })?.network).toBe("2001:db8:1::/48");
    expect(noted(served(401), { address: null })?.network).toBeNull();
  });

  it.for([
    [served(200), null],
    [served(302), null],
    [served(399), null],
    [served(400), "status_400"],
    [served(429), "status_429"],
    [failed, null],
    [refused("blocked"), "blocked"],
    [refused("challenged"), "challenged"],
    [refused("limited"), "limited"],
    [refused("limited_for_a_while"), "limited_for_a_while"],
    [refused("maintenance"), null],
    [refused("read_only"), null],
    [refused("emergency_cache"), null],
    [refused("journaled"), null],
  ] as const)("says why: %o is %s", ([outcome, because], { expect }) => {
    expect(noted(outcome)?.because ?? null).toBe(because);
  });

  it("writes down what only scanners ask for, whatever the answer", ({ expect }) => {
    expect(noted(served(200), { path: "/.env" })?.because).toBe("scanner_path");
    expect(noted(failed, { path: "/wp-login.php" })?.because).toBe("scanner_path");
    expect(noted(refused("blocked"), { path: "/.env" })?.because).toBe("blocked");
  });

  it("keeps the newest, in bounds, and says how many it left out", ({ expect }) => {
    const log = new SecurityLog();
    const facts = factsFrom(1, { header: () => "x".repeat(10_000), method: "M".repeat(500) });
    for (let n = 0; n < LOGGED_MAX + 5; n += 1) log.note(served(404), facts, NOW_MS + n);
    const report = log.cut();
    expect(report).toMatchObject({ leftOut: 5 });
    expect(report?.requests.map(({ atMs }) => atMs - NOW_MS)).toEqual(
      Array.from({ length: LOGGED_MAX }, (_, n) => n + 5),
    );
    expect(report?.requests[0]?.userAgent).toHaveLength(USER_AGENT_CHARS_MAX);
    expect(JSON.stringify(report).length).toBeLessThan(LOGGED_MAX * 600);
    expect(log.cut()).toBeNull();
  });
});

describe("scanner paths", () => {
  it.for(["/.env", "/app/.ENV", "/.git/config", "/wp-admin/setup.php", "/cgi-bin/luci"])(
    "%s is one",
    (path, { expect }) => {
      expect(isScannerPath(path)).toBe(true);
    },
  );
  it.for(["/", "/pitches/1", "/environment", "/blog/git-for-writers", `/${"a".repeat(300)}/.env`])(
    "%s is none",
    (path, { expect }) => {
      expect(isScannerPath(path)).toBe(false);
    },
  );
});
