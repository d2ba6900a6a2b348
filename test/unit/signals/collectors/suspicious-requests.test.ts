import { it } from "vitest";
import { collectEvidence } from "../../../../src/signals/collectors/registry.ts";
import type { LoggedWindow, SuspiciousRequest } from "../../../../src/traffic/traffic-api.ts";
import { aCollection, aTraffic } from "../../../support/signals.ts";

const NOW_MS = 1_800_000_000_000;

const aRequest = (atMs: number, given: Partial<SuspiciousRequest> = {}): SuspiciousRequest => ({
  atMs,
  network: "203.0.113.0/24",
  country: "NL",
  asn: 64_500,
  ja4: null,
  userAgent: "curl/8",
  method: "GET",
  path: "/orders/:id",
  because: "status_404",
  ...given,
});

const collected = (window: LoggedWindow, silentShards = 0) =>
  collectEvidence(
    "suspicious-requests",
    aCollection({
      atMs: NOW_MS,
      onsetAtMs: NOW_MS - 60_000,
      traffic: aTraffic({
        logged: async (sinceMs) => ({
          ...window,
          requests: window.requests.filter(({ atMs }) => atMs >= sinceMs),
          silentShards,
        }),
      }),
    }),
  );

it("tells the newest first, and what they have in common", async ({ expect }) => {
  const requests = [
    aRequest(NOW_MS - 90_000),
    aRequest(NOW_MS - 3_000),
    aRequest(NOW_MS - 2_000),
    aRequest(NOW_MS - 1_000, { because: "blocked", network: null, path: "/sign-in" }),
  ];
  expect(await collected({ requests, leftOut: 7 })).toMatchObject({
    ok: true,
    value: {
      summary:
        "3 suspicious requests are written down (2 status_404, 1 blocked), most of them from 203.0.113.0/24; for 7 more there was no room",
      facts: {
        because: { status_404: 2, blocked: 1 },
        networks: { "203.0.113.0/24": 2, unknown: 1 },
        paths: { "/orders/:id": 2, "/sign-in": 1 },
        requests: [
          { at: new Date(NOW_MS - 1_000).toISOString(), because: "blocked" },
          { because: "status_404" },
          { because: "status_404" },
        ],
      },
    },
  });
});

it("holds the newest of many, within what evidence may have", async ({ expect }) => {
  const requests = Array.from({ length: 3_000 }, (_, n) =>
    aRequest(NOW_MS - 3_000 + n, {
      userAgent: "x".repeat(120),
      path: "/p".repeat(125),
      network: `10.${n >> 8}.${n & 255}.0/24`,
    }),
  );
  const evidence = await collected({ requests, leftOut: 0 });
  expect(evidence).toMatchObject({ ok: true });
  expect(JSON.stringify(evidence)).toContain(new Date(NOW_MS - 1).toISOString());
});

it("says so when nothing was written down, and when nobody knows", async ({ expect }) => {
  expect(await collected({ requests: [], leftOut: 0 })).toMatchObject({
    value: { summary: "No suspicious request was written down yet" },
  });
  expect(await collected({ requests: [], leftOut: 0 }, 1)).toMatchObject({
    ok: false,
    error: { class: "retry" },
  });
  expect(await collected({ requests: [aRequest(NOW_MS)], leftOut: 0 }, 1)).toMatchObject({
    value: { summary: expect.stringContaining("a part: counters did not answer") },
  });
});
