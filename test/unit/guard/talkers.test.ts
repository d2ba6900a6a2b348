import { it } from "vitest";
import { readFacts } from "../../../src/guard/facts.ts";
import { distinctOf } from "../../../src/sketches/merged-talkers.ts";
import { LOOKED_AT_PER_SECOND, ONE_IN, Talkers } from "../../../src/guard/talkers.ts";

const HEADERS = new Map([
  ["cf-connecting-ip", "198.51.100.7"],
  ["user-agent", "a browser"],
]);

/** A request, and how often somebody looked at Cloudflare's view of it. */
function watched(url = "https://shop.example/cart") {
  let looks = 0;
  const request = {
    method: "GET",
    url,
    headers: { get: (name: string) => HEADERS.get(name) ?? null, keys: () => HEADERS.keys() },
    get cf() {
      looks += 1;
      return { asn: 64_500, country: "NL" };
    },
  };
  return { request, looks: () => looks };
}

/** Records so many requests in one second; how many of them were looked at, and what was counted. */
function recorded(requests: number, nowMs: number, talkers = new Talkers()) {
  let lookedAt = 0;
  for (let at = 0; at < requests; at += 1) {
    const { request, looks } = watched();
    const facts = readFacts(request, { clientAddress: "cloudflare" }, null);
    talkers.record(facts, false, nowMs);
    if (looks() > 0) lookedAt += 1;
  }
  const cuts = talkers.cut(nowMs);
  const totalOf = (dimension: string) =>
    cuts.find((cut) => cut.dimension === dimension)?.total ?? 0;
  return { lookedAt, totalOf };
}

it("looks at every request of a quiet second", ({ expect }) => {
  const { lookedAt, totalOf } = recorded(LOOKED_AT_PER_SECOND, 1_000);
  expect(lookedAt).toBe(LOOKED_AT_PER_SECOND);
  const totals = ["address", "asn", "country", "user_agent", "path"].map(totalOf);
  expect(totals).toEqual(totals.map(() => LOOKED_AT_PER_SECOND));
});

it("looks at few of a busy second, and counts them for all", ({ expect }) => {
  const requests = LOOKED_AT_PER_SECOND + 100 * ONE_IN;
  const { lookedAt, totalOf } = recorded(requests, 1_000);
  expect(lookedAt).toBe(LOOKED_AT_PER_SECOND + 100);
  const totals = ["address", "network", "asn", "country", "user_agent", "path"].map(totalOf);
  expect(totals).toEqual(totals.map(() => requests));
});

it("begins anew with each second", ({ expect }) => {
  const talkers = new Talkers();
  recorded(1_000, 1_999, talkers);
  expect(recorded(10, 2_000, talkers).lookedAt).toBe(10);
});

it("tells URLs apart by their queries, however long they are, and hands them over once", ({
  expect,
}) => {
  const talkers = new Talkers();
  const ask = (url: string): void => {
    const facts = readFacts(watched(url).request, { clientAddress: "cloudflare" }, null);
    talkers.record(facts, false, 1_000);
  };
  const long = "x".repeat(4_000);
  for (let at = 0; at < 50; at += 1) {
    ask("https://shop.example/cart");
    ask(`https://shop.example/cart?v=${at}`);
    ask(`https://shop.example/cart?${long}=${at}`);
  }
  const { total, ...sketch } = talkers.cutUrls();
  expect(total).toBe(150);
  expect(Math.abs(distinctOf(sketch) - 101)).toBeLessThan(5);
  expect(talkers.cutUrls().total).toBe(0);
});
