import fc from "fast-check";
import { it } from "vitest";
import {
  COPY_BYTES_MAX,
  sharingOf,
  VARY_NAMES_MAX,
} from "../../../../src/guard/emergency-cache/shareable.ts";

const NOW_MS = Date.parse("2026-11-23T12:00:00Z");
type Given = readonly (readonly [string, string])[];
const sharing = (given: Given, { isPublicRoute = true, status = 200 } = {}) =>
  sharingOf(
    { status, headers: new Headers(given.map(([a, b]) => [a, b])) },
    { isPublicRoute, nowMs: NOW_MS },
  );
const says = (cacheControl: string): Given => [["cache-control", cacheControl]];
const many = (count: number) => Array.from({ length: count }, (_, n) => `x-${n}`).join(", ");

/** name, headers, shared on a public route, shared elsewhere. */
it.for([
  ["nothing said", [], true, false],
  ["public", says("public"), true, true],
  ["an age", says("max-age=60"), true, true],
  ["an age for shared caches", says("s-maxage=60"), true, true],
  ["a quoted age", says('max-age="60"'), true, true],
  ["other letters", says("Public, Max-Age=60"), true, true],
  ["a word of no meaning here", says("no-transform"), true, false],
  ["a date to come", [["expires", "Mon, 23 Nov 2026 12:00:01 GMT"]], true, true],
  ["a date gone by", [["expires", "Mon, 23 Nov 2026 12:00:00 GMT"]], false, false],
  ["a date that is none", [["expires", "0"]], false, false],
  ["private", says("private"), false, false],
  ["private, for one field", says('public, private="x-user"'), false, false],
  ["private, in other letters", says("PRIVATE, max-age=60"), false, false],
  ["private, said second", [...says("public, max-age=60"), ...says("private")], false, false],
  ["no-store", says("public, no-store"), false, false],
  ["no-cache", says("no-cache"), false, false],
  ["no-cache, for a field with a comma", says('no-cache="a, b", max-age=60'), false, false],
  ["must-revalidate", says("max-age=60, must-revalidate"), false, false],
  ["proxy-revalidate", says("public, proxy-revalidate"), false, false],
  ["an age of nothing", says("public, max-age=0"), false, false],
  ["an age of nothing, shared", says("max-age=60, s-maxage=0"), false, false],
  ["an age that is none", says("max-age=soon"), false, false],
  ["an age without a value", says("public, max-age"), false, false],
  ["no-store for CDNs", [...says("public"), ["cdn-cache-control", "no-store"]], false, false],
  [
    "no-store for Cloudflare",
    [...says("public"), ["cloudflare-cdn-cache-control", "no-store"]],
    false,
    false,
  ],
  ["private for surrogates", [...says("public"), ["surrogate-control", "private"]], false, false],
  ["the old no-cache", [["pragma", "no-cache"]], false, false],
  ["a cookie", [...says("public"), ["set-cookie", "a=1"]], false, false],
  ["a cookie without a value", [...says("public"), ["set-cookie", ""]], false, false],
  ["a demand to sign in", [...says("public"), ["www-authenticate", "Basic"]], false, false],
  ["a clean-up", [...says("public"), ["clear-site-data", '"cookies"']], false, false],
  ["a part", [...says("public"), ["content-range", "bytes 0-1/2"]], false, false],
  ["events", [...says("public"), ["content-type", "text/event-stream"]], false, false],
  ["gzip", [...says("public"), ["content-encoding", "gzip"]], true, true],
  ["a coding we cannot undo", [...says("public"), ["content-encoding", "zstd"]], false, false],
  ["two codings", [...says("public"), ["content-encoding", "gzip, br"]], false, false],
  ["the largest", [...says("public"), ["content-length", `${COPY_BYTES_MAX}`]], true, true],
  ["too large", [...says("public"), ["content-length", `${COPY_BYTES_MAX + 1}`]], false, false],
  ["all headers", [...says("public"), ["vary", "accept, *"]], false, false],
  ["many headers", [...says("public"), ["vary", many(VARY_NAMES_MAX)]], true, true],
  ["too many headers", [...says("public"), ["vary", many(VARY_NAMES_MAX + 1)]], false, false],
] satisfies [string, Given, boolean, boolean][])(
  "%s",
  ([, headers, onPublicRoute, elsewhere], { expect }) => {
    expect(sharing(headers) !== null).toBe(onPublicRoute);
    expect(sharing(headers, { isPublicRoute: false }) !== null).toBe(elsewhere);
  },
);

it.for([201, 203, 204, 206, 301, 302, 304, 401, 403, 404, 410, 500, 503])(
  "shares nothing of status %i",
  (status, { expect }) => {
    expect(sharing(says("public, max-age=60"), { status })).toBeNull();
  },
);

it.for([
  ["nothing", [], []],
  ["sorted, once, in lower case", [["vary", "B, a,  b , A"]], ["a", "b"]],
  ["not the coding, which no copy has", [["vary", "Accept-Encoding"]], []],
  ["one allowed origin", [["access-control-allow-origin", "https://a.example"]], ["origin"]],
  ["any origin", [["access-control-allow-origin", "*"]], []],
] satisfies [string, Given, string[]][])("varies by %s", ([, headers, names], { expect }) => {
  expect(sharing(headers)?.varyNames).toEqual(names);
});

it("shares nothing that is said to be private or carries a cookie, whatever else it says", ({
  expect,
}) => {
  const word = fc.constantFrom("public", "max-age=60", "s-maxage=9", "immutable", "no-transform");
  const no = fc.constantFrom(
    "private",
    "no-store",
    "No-Cache",
    ' private = "a" ',
    "must-revalidate",
  );
  const header = fc.constantFrom(
    "cache-control",
    "cdn-cache-control",
    "cloudflare-cdn-cache-control",
    "surrogate-control",
  );
  const forbidding = fc.oneof(
    fc
      .tuple(header, fc.array(word), no, fc.array(word))
      .map(([name, before, it, after]): [string, string] => [
        name,
        [...before, it, ...after].join(","),
      ]),
    fc
      .string({ unit: fc.constantFrom("a", "b", "=", ";") })
      .map((it): [string, string] => ["set-cookie", it]),
  );
  const allowing = fc.array(word.map((it): [string, string] => ["cache-control", it]));
  fc.assert(
    fc.property(allowing, forbidding, allowing, (before, one, after) => {
      expect(sharing([...before, one, ...after])).toBeNull();
    }),
  );
});
