import { it } from "vitest";
import { audienceOf } from "../../../src/guard/audience.ts";

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

it.for([
  ["a browser", "GET", { accept: BROWSER }, "page"],
  ["a form sent by a browser", "POST", { accept: BROWSER }, "page"],
  ["a navigation without Accept", "GET", { "sec-fetch-mode": "navigate" }, "page"],
  ["curl", "GET", { accept: "*/*" }, "program"],
  ["a client that says nothing", "GET", {}, "program"],
  ["fetch for JSON", "GET", { accept: "application/json, text/plain, */*" }, "program"],
  ["JSON before HTML", "GET", { accept: "application/json, text/html;q=0.5" }, "program"],
  ["HTML before JSON", "GET", { accept: "application/json;q=0.5, text/html" }, "page"],
  ["HTML refused", "GET", { accept: "text/html;q=0, */*" }, "program"],
  ["an image", "GET", { accept: "image/avif,image/webp,*/*;q=0.8" }, "program"],
  ["nonsense", "GET", { accept: "text/html;q=banana" }, "program"],
  ["a WebSocket", "GET", { upgrade: "WebSocket", accept: BROWSER }, "websocket"],
  // No server takes an upgrade by another method: it would answer with an error of its own.
  ["an upgrade by POST", "POST", { upgrade: "websocket" }, "program"],
  ["an upgrade by HEAD", "HEAD", { upgrade: "websocket", accept: BROWSER }, "page"],
  ["a preflight", "OPTIONS", { "access-control-request-method": "PUT" }, "preflight"],
  ["another OPTIONS", "OPTIONS", {}, "program"],
] as const)("%s is answered as %4$s", ([, method, headers, expected], { expect }) => {
  expect(audienceOf({ method, url: "https://shop.example/", headers: new Headers(headers) })).toBe(
    expected,
  );
});
