import fc from "fast-check";
import { describe, it } from "vitest";
import { isOwnUrl, readFacts, type RequestLike } from "../../../src/guard/facts.ts";
import {
  foldRoute,
  matchesRoute,
  mayMatchRoute,
  pathOf,
  readPath,
} from "../../../src/guard/routes.ts";

const get = (url: string, headers: Record<string, string> = {}): RequestLike =>
  new Request(url, { headers });
const urlOf = (written: string) => `https://shop.example${written}`;

describe("a path as the most generous router reads it", () => {
  it.for([
    ["/", "/", true],
    ["/shop/1", "/shop/1", true],
    ["/shop/", "/shop/", true],
    ["/a/./b/../c", "/a/c", true],
    ["/a/%2e%2e/admin", "/admin", true],
    ["/webhooks%2fpay", "/webhooks/pay", false],
    ["/webhooks/..%2fadmin", "/admin", false],
    ["/webhooks/%2e%2e%2fadmin", "/admin", false],
    ["/webhooks/..%252fadmin", "/admin", false],
    ["/webhooks/..%5cadmin", "/admin", false],
    ["/webhooks/..;/admin", "/webhooks/..;/admin", false],
    ["//webhooks/pay", "/webhooks/pay", false],
    ["/webhooks//pay", "/webhooks/pay", false],
    ["/%77ebhooks/pay", "/webhooks/pay", false],
    ["/caf%C3%A9", "/café", true],
    ["/café", "/café", true],
    ["/a%20b", "/a b", true],
    ["/100%", "/100%", false],
    ["/%77ebhooks/100%", "/webhooks/100%", false],
    ["/%77ebhooks%2f%ff", "/webhooks/\ufffd", false],
    ["/a%00b", "/a\u0000b", true],
  ] as const)("%s", ([written, path, isPlain], { expect }) => {
    expect(pathOf(new Request(urlOf(written)).url)).toMatchObject({ path, isPlain });
  });

  /** As workerd hands them on: neither parsed nor corrected. */
  it.for([
    ["http://shop.example/api/../assets/x", ["/assets/x", "/api/../assets/x"]],
    ["http://shop.example/api/%2e%2e/assets/x", ["/assets/x", "/api/../assets/x"]],
    ["http://shop.example/api\\..\\assets\\x", ["/assets/x", "/api/../assets/x"]],
    ["http://shop.example/api/./assets", ["/api/assets", "/api/./assets"]],
    ["http://shop.example:99999/api//assets", ["/api/assets"]],
    ["http://[::1/api/;x", ["/api/;x", "/api/"]],
    ["http://shop.example\\api?/assets/x", ["/api", "/assets/x"]],
    ["http://shop.example?y=/assets/x", ["/", "/assets/x"]],
    ["http://shop.example#/assets/x", ["/", "/assets/x"]],
  ] as const)("%s is all of what it may be, and exempt from nothing", ([url, read], { expect }) => {
    const { path, isPlain, others } = pathOf(url);
    expect(new Set([path, ...others])).toEqual(new Set(read));
    expect(isPlain).toBe(false);
  });

  it("is one whatever stands there", ({ expect }) => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((rest) => `http://${rest}`),
        ),
        (url) => {
          expect(pathOf(url).path).toMatch(/^\//);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(pathOf("http://shop.example*").path).toBe("/");
  });

  it("never calls a path plain that means another one", ({ expect }) => {
    const piece = fc.constantFrom("/", "a", "..", ".", "%2e", "%2f", "%5c", ";", "%25", "\\", "é");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const { pathname } = new URL(urlOf(`/${pieces.join("")}`));
        const { path, isPlain } = readPath(pathname);
        expect(isPlain ? decodeURIComponent(pathname) : path).toBe(path);
      }),
    );
  });

  it("reads a URL without parsing it as if it had", ({ expect }) => {
    const piece = fc.oneof(
      fc.constantFrom("/", "//", "..", ".", ".a", "%2e", "%2f", ";", "\\", "é", "?", "#", "@", ":"),
      fc.string({ maxLength: 3 }),
    );
    const authority = fc.constantFrom("shop.example", "shop.example:8443", "a:b@shop.example");
    fc.assert(
      fc.property(authority, fc.array(piece, { maxLength: 8 }), (host, pieces) => {
        const { href, pathname } = new URL(`http://${host}/${pieces.join("")}`);
        expect(pathOf(href)).toEqual(readPath(pathname));
      }),
      { numRuns: 2_000 },
    );
  });
});

it.for([
  ["/assets/a.css", "/assets/*", true],
  ["/assets/", "/assets/*", true],
  ["/assets", "/assets/*", false],
  ["/assets-secret", "/assets/*", false],
  ["/ASSETS/a", "/assets/*", false],
  ["/login", "/login", true],
  ["/login/", "/login", false],
  ["/anything", "/*", true],
] as const)("%s on %s: %s", ([path, pattern, expected], { expect }) => {
  expect(matchesRoute(path, pattern)).toBe(expected);
});

it.for([
  ["/_firebreak", true],
  ["/_firebreak/", true],
  ["/_firebreak/health?x=1", true],
  ["/a/../_firebreak/health", true],
  ["/_firebreak/../admin", false],
  ["/_firebreak/%2e%2e/admin", false],
  ["/_firebreakish", false],
  ["/_FIREBREAK/health", false],
  ["/%5ffirebreak/health", false],
  ["//_firebreak/health", false],
  ["/_firebreak%2fhealth", false],
  ["/x?/_firebreak/", false],
] as const)("%s is ours: %s", ([path, expected], { expect }) => {
  expect(isOwnUrl(`https://shop.example${path}`)).toBe(expected);
});

it("reads the longest path that a client can send in no time that others feel", ({ expect }) => {
  for (const piece of ["a%2f..;%zz/", "%ff%61", "%2525252f", ";/", "//..", "%5c.;"]) {
    const url = urlOf(`/${piece.repeat(16_000 / piece.length)}`);
    const tookMs = Array.from({ length: 10 }, () => {
      const startedAtMs = performance.now();
      pathOf(url);
      return performance.now() - startedAtMs;
    });
    // The least, for the machine does other things as well.
    expect(Math.min(...tookMs), piece).toBeLessThan(10);
  }
});

describe("what is limited, blocked or switched off is so however its path is written", () => {
  it.for([
    ["/login", "/login", true],
    ["/Login", "/login", true],
    ["/login", "/Login", true],
    ["/login/", "/login", true],
    ["/login", "/login/", true],
    ["/login;v=1", "/login", true],
    ["/login;/", "/login", true],
    ["/x/..;/login", "/login", true],
    ["/%6cogin", "/login", true],
    ["/%6cogin;%", "/login", true],
    ["/SEARCH/a", "/search/*", true],
    ["/search;a/b", "/search/*", true],
    ["/%73earch/100%", "/search/*", true],
    ["/search/a%2f..%2f..%2fb", "/search/*", true],
    ["/%73earch/a%2f..%2f..%2fb", "/search/*", true],
    ["//search//a%5c..%5c..", "/search/*", true],
    ["/caf%C3%89", "/café", true],
    ["/", "/", true],
    ["/loginx", "/login", false],
    ["/login/x", "/login", false],
    ["/search", "/search/*", true],
    ["/search/", "/search/*", true],
    ["/search;a", "/search/*", true],
    ["/search/a", "/search/+", true],
    ["/SEARCH/a/b/", "/Search/+", true],
    ["/search", "/search/+", false],
    ["/search/", "/search/+", false],
    ["/search//", "/search/+", false],
    ["/caf%C3%A9", "/caf%C3%A9", true],
    ["/caf%c3%a9/x", "/CAF%C3%A9/*", true],
    ["/a/b", "/a//b", true],
    ["/searches", "/search/*", false],
    ["/x;/search/", "/search/*", false],
    ["/", "/login", false],
  ] as const)("%s on %s: %s", ([written, pattern, expected], { expect }) => {
    const { path, others } = pathOf(urlOf(written));
    const isMet = [path, ...others].some((one) => mayMatchRoute(one, foldRoute(pattern)));
    expect(isMet).toBe(expected);
  });
});

describe("what Cloudflare knows of the connection", () => {
  const request = { method: "GET", url: urlOf("/"), headers: new Headers() };
  const factsOf = (cf: unknown, clientAddress: "cloudflare" | "none" = "cloudflare") =>
    readFacts({ ...request, cf }, { clientAddress }, null);
  const told = (facts: ReturnType<typeof factsOf>) => [
    facts.place().asn,
    facts.place().country,
    facts.ja4(),
    facts.isVerifiedBot(),
    facts.hasClientCertificate(),
  ];
  const full = {
    asn: 64_500,
    country: "NL",
    botManagement: { ja4: "t13d1516h2_8daaf6152771_02713d6af862", verifiedBot: true },
    tlsClientAuth: { certPresented: "1" },
  };

  it.for([
    ["all", full, [64_500, "NL", full.botManagement.ja4, true, true]],
    ["nothing", undefined, [null, null, null, false, false]],
    ["no object", "cf", [null, null, null, false, false]],
    ["an empty one", {}, [null, null, null, false, false]],
    [
      "other types",
      {
        asn: "64500",
        country: 5,
        botManagement: { ja4: 1, verifiedBot: "true" },
        tlsClientAuth: 1,
      },
      [null, null, null, false, false],
    ],
    ["empty parts", { botManagement: null, tlsClientAuth: null }, [null, null, null, false, false]],
  ] as const)("%s", ([, cf, expected], { expect }) => {
    expect(told(factsOf(cf))).toEqual(expected);
  });

  it("is about the proxy, where there is one", ({ expect }) => {
    expect(told(factsOf(full, "none"))).toEqual([null, null, null, false, true]);
  });
});

describe("who the client is", () => {
  const header = { header: "x-forwarded-for" } as const;
  it.for([
    ["Cloudflare's header", "cloudflare", { "cf-connecting-ip": "192.0.2.7" }, "192.0.2.7"],
    ["none of Cloudflare's", "cloudflare", { "x-forwarded-for": "192.0.2.7" }, ""],
    ["not asked", "none", { "cf-connecting-ip": "192.0.2.7" }, ""],
    ["what the proxy appended", header, { "x-forwarded-for": "6.6.6.6, 192.0.2.7" }, "192.0.2.7"],
    ["with the port", header, { "x-forwarded-for": "6.6.6.6, 192.0.2.7:49152" }, "192.0.2.7"],
    [
      "IPv6 with the port",
      header,
      { "x-forwarded-for": "[2001:db8:0:1::9]:49152" },
      "2001:db8:0:1",
    ],
    ["IPv6 in brackets", header, { "x-forwarded-for": "[2001:db8:0:1::9]" }, "2001:db8:0:1"],
    [
      "IPv4 in IPv6, with a port",
      header,
      { "x-forwarded-for": "[::ffff:192.0.2.7]:1" },
      "192.0.2.7",
    ],
    ["a port of six digits", header, { "x-forwarded-for": "192.0.2.7:123456" }, ""],
    ["a port that is none", header, { "x-forwarded-for": "192.0.2.7:http" }, ""],
    [
      "IPv6 and a port without brackets",
      header,
      { "x-forwarded-for": "2001:db8:0:1:0:0:0:9:80" },
      "",
    ],
    ["a zone in brackets", header, { "x-forwarded-for": "[fe80::1%eth0]:80" }, ""],
    [
      "a port that Cloudflare never writes",
      "cloudflare",
      { "cf-connecting-ip": "192.0.2.7:80" },
      "",
    ],
    ["no header of the proxy", header, { "cf-connecting-ip": "192.0.2.7" }, ""],
    [
      "an IPv6 subscriber",
      "cloudflare",
      { "cf-connecting-ip": "2001:DB8:0:01::9" },
      "2001:db8:0:1",
    ],
    [
      "the same subscriber",
      "cloudflare",
      { "cf-connecting-ip": "2001:db8:0:1:a:b:c:d" },
      "2001:db8:0:1",
    ],
    ["a short IPv6", "cloudflare", { "cf-connecting-ip": "2001:db8::1" }, "2001:db8:0:0"],
    ["IPv4 in IPv6", "cloudflare", { "cf-connecting-ip": "::ffff:192.0.2.7" }, "192.0.2.7"],
  ] as const)("%s", ([, clientAddress, headers, expected], { expect }) => {
    const request = get("https://shop.example/", headers);
    expect(readFacts(request, { clientAddress }, null).clientKey()).toBe(expected);
  });
});
