import { env } from "cloudflare:workers";
import fc from "fast-check";
import { describe, it } from "vitest";
import { locationCopies } from "../../../src/guard/emergency-cache/copies.ts";
import { PATIENCE_MS } from "../../../src/guard/emergency-cache/cover.ts";
import { COPY_BYTES_MAX } from "../../../src/guard/emergency-cache/shareable.ts";
import { BYPASS_HEADER, PROBE_HEADER } from "../../../src/guard/signed.ts";
import { VERDICT_HEADER } from "../../../src/guard/verdict.ts";
import { at, caching, covering, onAClock } from "./covering.ts";
import { forAMinute, guarded, token } from "./guarded.ts";

describe("a copy", () => {
  it("answers the next visitor, and production is not asked", async ({ expect }) => {
    const { ask, text, asked, counted } = covering(
      () =>
        new Response("a page", {
          headers: { "content-type": "text/html", "cache-control": "max-age=5", etag: '"1"' },
        }),
    );
    expect(await text("/pitches?page=2")).toBe("a page");
    const copy = await ask("/pitches?page=2");
    expect(await copy.text()).toBe("a page");
    expect(asked()).toBe(1);
    expect(copy.status).toBe(200);
    expect([...copy.headers.keys()].filter((name) => name.includes("firebreak"))).toEqual([]);
    expect(Object.fromEntries(copy.headers)).toMatchObject({
      "content-type": "text/html",
      "cache-control": "max-age=5",
      etag: '"1"',
      age: expect.stringMatching(/^\d+$/),
      "cache-status": "firebreak; hit",
    });
    expect(counted).toMatchObject([
      { outcome: { kind: "served" } },
      { outcome: { kind: "refused", reason: "emergency_cache" } },
    ]);
  });

  it("is of one path, query and host exactly", async ({ expect }) => {
    const { text, asked } = covering();
    for (const path of ["/a", "/a/", "/A", "/a?", "/a?x=1&y=2", "/a?y=2&x=1", "/a?x=1"]) {
      await text(path);
    }
    expect(asked()).toBe(7);
    expect(await text("/a?x=1")).toBe("answer 7");
  });

  it("answers HEAD without its body, which leaves none itself", async ({ expect }) => {
    const { ask, text, asked } = covering(() => new Response("a page"));
    expect(await text("/a", { method: "HEAD" })).toBe("a page");
    await text("/a");
    expect(asked()).toBe(2);
    const head = await ask("/a", { method: "HEAD" });
    expect([head.status, head.body, asked()]).toEqual([200, null, 2]);
  });

  it("is of one variant, by the headers that production names", async ({ expect }) => {
    const { text, asked } = covering(
      (request) =>
        new Response(`in ${request.headers.get("accept-language")}`, {
          headers: { vary: "Accept-Language, Accept-Encoding" },
        }),
    );
    const inLanguage = (language: string) =>
      text("/a", { headers: { "accept-language": language } });
    expect(await inLanguage("de")).toBe("in de");
    expect(await inLanguage("en")).toBe("in en");
    expect(await inLanguage("de")).toBe("in de");
    expect(await text("/a")).toBe("in null");
    expect(asked()).toBe(3);
  });

  it("tells downstream what it varies by", async ({ expect }) => {
    const { ask, text } = covering(() => new Response("a", { headers: { vary: "Accept" } }));
    await text("/a");
    expect((await ask("/a")).headers.get("vary")).toBe("Accept");
  });

  it("belongs to its lease: the next lease begins with none", async ({ expect }) => {
    const copies = locationCopies(crypto.randomUUID(), () => caches.default);
    const first = covering(() => new Response("first"), [caching()], { copies });
    const next = covering(() => new Response("next"), [caching({ id: "lse_next" })], { copies });
    const ended = covering(() => new Response("ended"), [], { copies });
    expect(await first.text("/a")).toBe("first");
    expect(await next.text("/a")).toBe("next");
    expect(await ended.text("/a")).toBe("ended");
    expect(await first.text("/a")).toBe("first");
    expect(first.asked()).toBe(1);
  });

  it("is whole, however production coded it", async ({ expect }) => {
    const words = "words ".repeat(1_000);
    const { text, asked } = covering(
      () => new Response(words, { headers: { "content-encoding": "gzip" } }),
    );
    expect(await text("/a")).toBe(words);
    expect(await text("/a")).toBe(words);
    expect(asked()).toBe(1);
  });

  it("is made of production behind a real binding", async ({ expect }) => {
    let asked = 0;
    const origin = (request: Request) => {
      asked += 1;
      return env.ORIGIN.fetch(request);
    };
    const { text } = covering(undefined, undefined, { origin });
    expect(await text("/a")).toBe("production");
    expect(await text("/a")).toBe("production");
    expect(asked).toBe(1);
  });
});

describe("when production fails", () => {
  it("asks again once a copy is no longer fresh, and renews it", async ({ expect }) => {
    const startMs = onAClock();
    const { text, asked } = covering(undefined, [caching({ action: { freshSeconds: 10 } })]);
    expect(await text("/a")).toBe("answer 1");
    at(startMs + 9_999);
    expect(await text("/a")).toBe("answer 1");
    at(startMs + 10_000);
    expect(await text("/a")).toBe("answer 2");
    expect(await text("/a")).toBe("answer 2");
    expect(asked()).toBe(2);
  });

  it.for([
    ["with 503", () => new Response("broken", { status: 503 })],
    ["by throwing", () => Promise.reject(new Error("production threw"))],
  ] as const)(
    "%s, answers with the stale copy, and counts the failure",
    async ([, failing], { expect }) => {
      const startMs = onAClock();
      const { ask, text, asked, counted } = covering(
        (_, n) =>
          n === 1
            ? new Response("good", { headers: { "cache-control": "max-age=60" } })
            : failing(),
        [caching({ action: { freshSeconds: 10 } })],
      );
      await text("/a");
      at(startMs + 20_000);
      const response = await ask("/a");
      expect([response.status, await response.text()]).toEqual([200, "good"]);
      expect(Object.fromEntries(response.headers)).toMatchObject({
        age: "20",
        "cache-control": "no-store",
        "cache-status": "firebreak; hit; fwd=stale",
      });
      expect(asked()).toBe(2);
      expect(counted).toMatchObject([
        { outcome: { kind: "served" } },
        { outcome: { kind: "failed", isCovered: true } },
      ]);
    },
  );

  it("waits for a better answer only so long, and keeps it when it comes", async ({ expect }) => {
    const startMs = onAClock();
    const late = Promise.withResolvers<Response>();
    const { ask, text, asked, counted, settled } = covering(
      (_, n) => (n === 1 ? new Response("old") : late.promise),
      [caching({ action: { freshSeconds: 10 } })],
    );
    await text("/a");
    at(startMs + 20_000);
    expect(await (await ask("/a")).text()).toBe("old");
    expect([asked(), counted.length]).toEqual([2, 1]);
    late.resolve(new Response("new"));
    await settled();
    await settled();
    expect(counted[1]).toMatchObject({ outcome: { kind: "served" } });
    expect(await text("/a")).toBe("new");
    expect(asked()).toBe(2);
  });

  it("waits without end where there is no copy", async ({ expect }) => {
    const slow = Promise.withResolvers<Response>();
    const { ask } = covering(() => slow.promise);
    const asking = ask("/a");
    setTimeout(() => slow.resolve(new Response("at last")), PATIENCE_MS + 100);
    expect(await (await asking).text()).toBe("at last");
  });

  it("has nothing for what it never saw: the failure stays production's", async ({ expect }) => {
    const { ask, counted } = covering(() => new Response("broken", { status: 502 }));
    expect((await ask("/a")).status).toBe(502);
    expect(counted).toMatchObject([{ outcome: { kind: "failed", isCovered: false } }]);
    const throwing = covering(() => Promise.reject(new Error("production threw")));
    await expect(throwing.ask("/a")).rejects.toThrow("production threw");
  });

  it("hands on a refusal of production's: that is an answer", async ({ expect }) => {
    const startMs = onAClock();
    const { ask, text } = covering((_, n) => new Response("x", { status: n === 1 ? 200 : 410 }));
    await text("/a");
    at(startMs + 301_000);
    expect((await ask("/a")).status).toBe(410);
  });
});

describe("keeps nothing", () => {
  const large = "x".repeat(COPY_BYTES_MAX + 1);
  it.for([
    ["of a write", { method: "POST" }, () => new Response("x")],
    ["for a cookie", { headers: { cookie: "session=1" } }, () => new Response("x")],
    ["for a token", { headers: { authorization: "Bearer 1" } }, () => new Response("x")],
    ["for a header nobody knows", { headers: { "x-api-key": "1" } }, () => new Response("x")],
    ["that sets a cookie", {}, () => new Response("x", { headers: { "set-cookie": "a=1" } })],
    ["private", {}, () => new Response("x", { headers: { "cache-control": "private" } })],
    ["not to be stored", {}, () => new Response("x", { headers: { "cache-control": "no-store" } })],
    ["that varies by everything", {}, () => new Response("x", { headers: { vary: "*" } })],
    ["but 200", {}, () => new Response("x", { status: 404 })],
    ["too large, by its length", {}, () => new Response(large)],
    ["too large, as it turns out", {}, () => new Response(new Response(large).body)],
  ] satisfies [string, RequestInit, () => Response][])(
    "%s",
    async ([, init, answer], { expect }) => {
      const { ask, settled, text, asked } = covering((_, n) =>
        n === 1 ? answer() : new Response("2"),
      );
      const first = await ask("/a", init);
      const [body] = await Promise.all([first.text(), settled()]);
      expect(body.length).toBeGreaterThan(0);
      expect(await text("/a")).toBe("2");
      expect(asked()).toBe(2);
    },
  );

  it("that does not call itself public, where the site does not either", async ({ expect }) => {
    const { ask, settled, calls } = guarded([caching()]);
    for (let round = 0; round < 2; round += 1) {
      await (await ask("/a")).text();
      await settled();
    }
    expect(calls).toHaveLength(2);
  });

  it("that the guard said itself", async ({ expect }) => {
    const copies = locationCopies(crypto.randomUUID(), () => caches.default);
    const inMaintenance = covering(undefined, [caching(), forAMinute()], { copies });
    expect((await inMaintenance.ask("/a")).status).toBe(503);
    await inMaintenance.settled();
    expect(await covering(() => new Response("production"), undefined, { copies }).text("/a")).toBe(
      "production",
    );
  });

  it("in shadow, and counts what it would have touched", async ({ expect }) => {
    const { text, asked, counted } = covering(undefined, [caching({ mode: "shadow" })]);
    await text("/a");
    await text("/a");
    expect(asked()).toBe(2);
    expect(counted).toMatchObject([{ shadowedIds: ["lse_cache"] }, { shadowedIds: ["lse_cache"] }]);
  });
});

describe("gives no copy", () => {
  it.for([
    ["to a visitor who is signed in", { cookie: "session=1" }],
    ["to a token", { authorization: "Bearer 1" }],
    ["to who asks for a part", { range: "bytes=0-1" }],
  ] as const)("%s", async ([, headers], { expect }) => {
    const { text } = covering();
    await text("/a");
    expect(await text("/a", { headers: { ...headers } })).toBe("answer 2");
    expect(await text("/a", { headers: { cookie: "theme=dark" } })).toBe("answer 1");
  });

  it("to a probe or an operator: both want production", async ({ expect }) => {
    const { ask, text } = covering();
    await text("/a");
    const probed = await ask("/a", { headers: { [PROBE_HEADER]: await token("probe") } });
    expect(await probed.text()).toBe("answer 2");
    expect(probed.headers.get(VERDICT_HEADER)).toBe("clean");
    const operator = await ask("/a", { headers: { [BYPASS_HEADER]: await token("bypass") } });
    expect(await operator.text()).toBe("answer 3");
  });
});

it("never shows one visitor what production showed another", async ({ expect }) => {
  const header = fc.constantFrom(
    {},
    { cookie: "session=ada" },
    { cookie: "theme=dark; session=bob" },
    { authorization: "Bearer eve" },
    { "x-api-key": "mallory" },
    { cookie: "theme=dark" },
  );
  const asks = fc.array(fc.record({ path: fc.constantFrom("/", "/me"), headers: header }), {
    maxLength: 12,
  });
  const said = fc.constantFrom(null, "public, max-age=60", "max-age=60", "no-transform");
  // Production that knows its visitors and forgets to say that its answers are theirs.
  const who = (headers: Headers) =>
    /session=(\w+)/.exec(headers.get("cookie") ?? "")?.[1] ??
    headers.get("authorization") ??
    headers.get("x-api-key") ??
    "nobody";
  await fc.assert(
    fc.asyncProperty(asks, said, async (given, cacheControl) => {
      const headers: Record<string, string> =
        cacheControl === null ? {} : { "cache-control": cacheControl };
      const { text } = covering((request) => new Response(who(request.headers), { headers }));
      for (const { path, headers: sent } of given) {
        const own = Object.entries(sent).map(([name, value]): [string, string] => [name, value]);
        expect(await text(path, { headers: own })).toBe(who(new Headers(own)));
      }
    }),
    { numRuns: 40 },
  );
});
