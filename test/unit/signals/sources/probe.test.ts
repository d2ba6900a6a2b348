import { describe, it, onTestFinished } from "vitest";
import { probe, PROBE_BODY_BYTES_MAX } from "../../../../src/signals/sources/probe.ts";
import { VERDICT_HEADER } from "../../../../src/guard/verdict.ts";
import type { SourceReach } from "../../../../src/signals/source.ts";
import { closedUrl, serve, type Received } from "../../../support/http-server.ts";
import { aPoll, aVantage } from "../../../support/signals.ts";
import type { ServerResponse } from "node:http";

type Probe = SourceReach["probes"][number];
const aProbe = (path: string, more: Partial<Probe> = {}): Probe => ({
  id: "p",
  path,
  timeout_ms: 1_000,
  expect: { status: 200 },
  ...more,
});

async function aServer(answer: (request: Received, response: ServerResponse) => void) {
  const server = await serve(answer);
  onTestFinished(server.close);
  return server;
}

const poll = (reach: Partial<SourceReach>, signal = AbortSignal.timeout(5_000)) =>
  probe.poll(aPoll({ ...reach, signal }));

/** `/200` answers 200, `/503` answers 503. */
const byPath = (request: Received, response: ServerResponse): void => {
  response.writeHead(Number(request.path.slice(1))).end("hello");
};
/** As `byPath`, marked as the guard marks its answers to probes. */
const marked =
  (verdict: string) =>
  (request: Received, response: ServerResponse): void => {
    response.setHeader(VERDICT_HEADER, verdict);
    byPath(request, response);
  };

describe("around the guard", () => {
  const around = async (probes: readonly Probe[], answer = byPath) => {
    const server = await aServer(answer);
    const answers = await poll({ probes, around: aVantage(server.url) });
    return { answers, received: server.received };
  };

  it("counts the share answered as expected, and the slowest answer", async ({ expect }) => {
    const { answers } = await around([aProbe("/200"), aProbe("/503"), aProbe("/404")]);
    expect(answers["probe.around_success_ratio"]).toEqual({ value: 1 / 3 });
    expect(answers["probe.around_latency_ms"]).toEqual({ value: expect.any(Number) });
  });

  it("believes a status that is expected, and does not follow a redirect", async ({ expect }) => {
    const probes = [
      aProbe("/404", { expect: { status: 404 } }),
      aProbe("/302", { expect: { status: 302 } }),
    ];
    const { answers, received } = await around(probes, (request, response) => {
      response.setHeader("location", "/200");
      byPath(request, response);
    });
    expect(answers["probe.around_success_ratio"]).toEqual({ value: 1 });
    expect(received).toHaveLength(2);
  });

  it("looks into the body, and no further than its limit", async ({ expect }) => {
    const wants = (body_contains: string) =>
      aProbe("/200", { expect: { status: 200, body_contains } });
    const { answers } = await around(
      [wants("near"), wants("far"), wants("absent")],
      (_, response) => response.end(`near${" ".repeat(PROBE_BODY_BYTES_MAX)}far`),
    );
    expect(answers["probe.around_success_ratio"]).toEqual({ value: 1 / 3 });
  });

  it("takes a hung or broken production for a failure, with no latency", async ({ expect }) => {
    const { answers } = await around(
      [aProbe("/hang", { timeout_ms: 50 }), aProbe("/break")],
      (request, response) => {
        if (request.path === "/break") response.destroy();
      },
    );
    expect(answers["probe.around_success_ratio"]).toEqual({ value: 0 });
    expect(answers["probe.around_latency_ms"]).toMatchObject({ unknown: "timeout" });
    const closed = await poll({ probes: [aProbe("/")], around: aVantage(await closedUrl()) });
    expect(closed["probe.around_success_ratio"]).toEqual({ value: 0 });
  });

  it("takes a body that hangs for a failure", async ({ expect }) => {
    const { answers } = await around(
      [aProbe("/", { timeout_ms: 50, expect: { status: 200, body_contains: "x" } })],
      (_, response) => void response.writeHead(200).write("y"),
    );
    expect(answers["probe.around_success_ratio"]).toEqual({ value: 0 });
  });

  it("leaves out what its own deadline cut off", async ({ expect }) => {
    const server = await aServer(() => {});
    const answers = await poll(
      { probes: [aProbe("/")], around: aVantage(server.url) },
      AbortSignal.timeout(50),
    );
    expect(answers["probe.around_success_ratio"]).toMatchObject({ unknown: "no_data" });
  });

  it("asks at most five at once, and all of them", async ({ expect }) => {
    let open = 0;
    let openMost = 0;
    const probes = Array.from({ length: 12 }, () => aProbe("/200"));
    const { answers, received } = await around(probes, (_, response) => {
      open += 1;
      openMost = Math.max(openMost, open);
      setImmediate(() => {
        open -= 1;
        response.end();
      });
    });
    expect(answers["probe.around_success_ratio"]).toEqual({ value: 1 });
    expect(received).toHaveLength(12);
    expect(openMost).toBeLessThanOrEqual(5);
  });
});

describe("through the guard", () => {
  const through = async (verdict: string, path: string) => {
    const server = await aServer(marked(verdict));
    const answers = await poll({ probes: [aProbe(path)], through: aVantage(server.url) });
    return { answers, received: server.received };
  };

  it("signs its requests", async ({ expect }) => {
    const { received } = await through("clean", "/200");
    expect(received[0]?.headers["x-firebreak-probe"]).toBe("signed");
  });

  it.for(["clean", "no_policy", "shadowed", "maintenance_exempt"])(
    "judges what production answered (%s)",
    async (verdict, { expect }) => {
      const good = await through(verdict, "/200");
      expect(good.answers["probe.through_success_ratio"]).toEqual({ value: 1 });
      const bad = await through(verdict, "/500");
      expect(bad.answers["probe.through_success_ratio"]).toEqual({ value: 0 });
    },
  );

  it.for(["maintenance", "read_only", "guard_fault", "a_reason_of_a_later_version"])(
    "counts the guard's own answer (%s) as neither success nor failure",
    async (verdict, { expect }) => {
      for (const path of ["/200", "/503"]) {
        const { answers } = await through(verdict, path);
        expect(answers["probe.through_success_ratio"]).toMatchObject({ unknown: "no_data" });
        expect(answers["probe.through_latency_ms"]).toMatchObject({ unknown: "no_data" });
      }
    },
  );

  it("does not judge an answer without a mark: it may be the guard's", async ({ expect }) => {
    const server = await aServer(byPath);
    const answers = await poll({ probes: [aProbe("/503")], through: aVantage(server.url) });
    expect(answers["probe.through_success_ratio"]).toMatchObject({ unknown: "no_data" });
  });

  it("takes no answer at all for production's failure", async ({ expect }) => {
    const answers = await poll({ probes: [aProbe("/")], through: aVantage(await closedUrl()) });
    expect(answers["probe.through_success_ratio"]).toEqual({ value: 0 });
  });
});

it("says what is missing", async ({ expect }) => {
  const unset = await poll({ probes: [aProbe("/")] });
  expect(unset["probe.around_success_ratio"]).toEqual({
    unknown: "not_configured",
    detail: "neither ORIGIN nor ORIGIN_URL is set",
  });
  expect(unset["probe.through_success_ratio"]).toEqual({
    unknown: "not_configured",
    detail: "SIGNING_KEYS is not set",
  });
  const server = await aServer(byPath);
  const noProbes = await poll({ around: aVantage(server.url), through: aVantage(server.url) });
  expect(noProbes["probe.around_success_ratio"]).toEqual({
    unknown: "not_configured",
    detail: "site.yaml declares no probes",
  });
});
