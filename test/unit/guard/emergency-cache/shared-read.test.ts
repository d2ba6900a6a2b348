import fc from "fast-check";
import { it } from "vitest";
import { isSharedRead } from "../../../../src/guard/emergency-cache/shared-read.ts";
import { readFacts, type RequestLike } from "../../../../src/guard/facts.ts";
import { aSettings } from "../../../support/policy.ts";

const settings = aSettings({
  emergencyCache: {
    publicRoutes: [],
    harmlessCookies: ["theme", "_ga"],
    harmlessHeaders: ["x-app-version"],
  },
});
type Given = { method?: string; path?: string; headers?: Record<string, string>; cf?: unknown };
const isShared = ({ method = "GET", path = "/", headers = {}, cf }: Given) => {
  const request: RequestLike = {
    method,
    url: `https://shop.example${path}`,
    headers: new Headers(headers),
    cf,
  };
  return isSharedRead(readFacts(request, settings, null), settings);
};

const BROWSER = {
  accept: "text/html",
  "accept-language": "de",
  "user-agent": "Mozilla/5.0",
  referer: "https://shop.example/",
  "sec-fetch-mode": "navigate",
  "sec-ch-ua": '"Chromium";v="1"',
  "cf-connecting-ip": "192.0.2.1",
  "x-forwarded-proto": "https",
};
const certificate = (certPresented: string) => ({ tlsClientAuth: { certPresented } });

it.for([
  ["nothing but the path", {}, true],
  ["a browser", { headers: BROWSER }, true],
  ["HEAD", { method: "HEAD" }, true],
  ["a query", { path: "/a?token=7" }, true],
  ["POST", { method: "POST" }, false],
  ["OPTIONS", { method: "OPTIONS" }, false],
  ["a cookie", { headers: { cookie: "session=1" } }, false],
  ["a harmless cookie", { headers: { cookie: "theme=dark" } }, true],
  ["harmless cookies", { headers: { cookie: "theme=dark; _ga=1=2" } }, true],
  ["one cookie too many", { headers: { cookie: "theme=dark; session=1" } }, false],
  ["a cookie that begins like a harmless one", { headers: { cookie: "themes=1" } }, false],
  ["a harmless name in other letters", { headers: { cookie: "Theme=1" } }, false],
  ["a harmless name as a value", { headers: { cookie: "session=theme" } }, false],
  ["a cookie without a name", { headers: { cookie: "=theme" } }, false],
  ["an empty cookie header", { headers: { cookie: "" } }, false],
  ["Authorization", { headers: { authorization: "Basic YQ==" } }, false],
  ["an API key", { headers: { "x-api-key": "1" } }, false],
  ["a proxy's password", { headers: { "proxy-authorization": "Basic YQ==" } }, false],
  ["an Access token", { headers: { "cf-access-jwt-assertion": "e30" } }, false],
  ["an Access client", { headers: { "cf-access-client-id": "a" } }, false],
  ["a CSRF token", { headers: { "x-csrf-token": "1" } }, false],
  ["what may poison a copy", { headers: { "x-forwarded-host": "evil.example" } }, false],
  ["what may rewrite the path", { headers: { "x-original-url": "/admin" } }, false],
  ["a part of the body", { headers: { range: "bytes=0-1" } }, false],
  ["a header the site calls harmless", { headers: { "x-app-version": "3" } }, true],
  ["a certificate", { cf: certificate("1") }, false],
  ["no certificate", { cf: certificate("0") }, true],
  ["a connection nobody knows about", { cf: {} }, true],
  ["a path that routers may differ on", { path: "/account%2f..%2fstyle.css" }, false],
  ["a path parameter", { path: "/account;style.css" }, false],
] satisfies [string, Given, boolean][])("%s: %s", ([, given, expected], { expect }) => {
  expect(isShared(given)).toBe(expected);
});

it("takes every header that it does not know for a credential", ({ expect }) => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  fc.assert(
    fc.property(name, fc.constantFrom("x-", "auth-", "token-", "cf-access-"), (rest, prefix) => {
      fc.pre(!["x-real-ip", "x-request-id", "x-app-version"].includes(prefix + rest));
      fc.pre(!/^x-forwarded-(?:for|proto)$/.test(prefix + rest));
      expect(isShared({ headers: { ...BROWSER, [prefix + rest]: "1" } })).toBe(false);
    }),
  );
});

it("lets no other cookie through, wherever it stands", ({ expect }) => {
  const harmless = fc.constantFrom("theme=1", "_ga=GA1.2", " theme=dark ");
  const other = fc.stringMatching(/^[a-zA-Z0-9_-]{1,8}=[a-z0-9=]{0,5}$/);
  fc.assert(
    fc.property(fc.array(harmless), other, fc.array(harmless), (before, one, after) => {
      fc.pre(!/^(?:theme|_ga)=/.test(one));
      const cookie = [...before, one, ...after].join(";");
      expect(isShared({ headers: { cookie } })).toBe(false);
    }),
  );
});
