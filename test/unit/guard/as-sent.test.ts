/** Requests as workerd hands them on: neither their URL nor their host was looked at by anybody. */
import { it } from "vitest";
import { decide } from "../../../src/guard/decide.ts";
import { readFacts } from "../../../src/guard/facts.ts";
import { loadPolicy } from "../../../src/guard/loaded-policy.ts";
import type { PolicyEntry } from "../../../src/policy/policy.ts";
import { aPolicy, anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 100_000;
const maintenance = anEntry({ id: "m" });
const readOnly = anEntry({ id: "r", kind: "read-only" });
const switchedOff = anEntry({
  id: "d",
  kind: "disabled-feature",
  match: { routes: ["/checkout/*"] },
});
const settings = aSettings({
  staticAssets: ["/assets/*"],
  readOnlyExempt: ["/prices"],
  graphqlRoutes: ["/graphql"],
});

/** Which entry refuses a GET of this URL, null for none. */
function refusedBy(entry: PolicyEntry, url: string, headers: Record<string, string> = {}) {
  const facts = readFacts({ method: "GET", url, headers: new Headers(headers) }, settings, null);
  const loaded = loadPolicy(aPolicy({ entries: [entry], settings }));
  const decision = decide(facts, { loaded, confirmedAtMs: NOW_MS }, NOW_MS);
  return decision.enforced?.entry.id ?? null;
}

it.for([
  ["http://shop.example/assets/x", null],
  ["http://shop.example/checkout/../assets/x", "m"],
  ["http://shop.example/checkout/%2e%2e/assets/x", "m"],
  ["http://shop.example/checkout\\..\\assets\\x", "m"],
  ["http://shop.example\\checkout?/assets/x", "m"],
  ["http://shop.example#/assets/x", "m"],
  ["http://shop.example:99999/assets//x", "m"],
] as const)("%s is an asset to every router, or to none", ([url, by], { expect }) => {
  expect(refusedBy(maintenance, url)).toBe(by);
});

it.for([
  "http://shop.example/checkout/pay",
  "http://shop.example/checkout/../pay",
  "http://shop.example/checkout\\pay",
  "http://shop.example\\checkout/pay?/x",
  "http://shop.example:99999/checkout//pay",
  "http://[::1/checkout/;pay",
])("%s is switched off, whichever way production reads it", (url, { expect }) => {
  expect(refusedBy(switchedOff, url)).toBe("d");
});

const SOCKET = { upgrade: "WebSocket" };
it.for([
  ["a page", "http://shop.example/", {}, null],
  ["a WebSocket, over which anything may be written", "http://shop.example/live", SOCKET, "r"],
  ["a WebSocket on an exempt route", "http://shop.example/prices", SOCKET, null],
  ["GraphQL of a host that is none", "http://a b/graphql?query=mutation%7Bx%7D", {}, "r"],
  ["a mutation", "http://shop.example/graphql?query=mutation%7Bx%7D", {}, "r"],
  ["a query", "http://shop.example/graphql?query=%7Bx%7D", {}, null],
] as const)("in read-only, %s", ([, url, headers, by], { expect }) => {
  expect(refusedBy(readOnly, url, headers)).toBe(by);
});
