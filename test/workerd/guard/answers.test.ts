import { describe, it } from "vitest";
import {
  answerFor,
  RETRY_AFTER_SECONDS_MAX,
  RETRY_AFTER_SECONDS_MIN,
} from "../../../src/guard/answers.ts";
import { loadPolicy } from "../../../src/guard/loaded-policy.ts";
import { isRefusing } from "../../../src/policy/kinds.ts";
import type { GuardSettings, PolicyEntry } from "../../../src/policy/policy.ts";
import { aPolicy, anEntry, aSettings } from "../../support/policy.ts";

const NOW_MS = 1_000_000;
const HTML = "text/html,application/xhtml+xml,*/*;q=0.8";
const JSON_FIRST = "application/json";

function answer(
  init: RequestInit,
  entry: Partial<PolicyEntry> = {},
  settings: Partial<GuardSettings> = {},
): Response {
  const inForce = anEntry({ expiresAtMs: NOW_MS + 60_000, ...entry });
  const loaded = loadPolicy(aPolicy({ entries: [inForce], settings: aSettings(settings) }));
  const [enforced] = Object.values(loaded.entries).flat().filter(isRefusing);
  if (enforced === undefined) throw new Error("the entry is of a known kind");
  const request = new Request("https://shop.example/cart", init);
  return answerFor(request, {
    enforced,
    limited: null,
    settings: loaded.policy.settings,
    nowMs: NOW_MS,
  });
}

const words = { ...aSettings().messages, contact: "help@shop.example" };
const page = "text/html; charset=utf-8";
const problem = "application/problem+json";
const NAVIGATION = { accept: "*/*", "sec-fetch-mode": "navigate" };
const PREFLIGHT = {
  origin: "https://app.example",
  "access-control-request-method": "PUT",
  "access-control-request-headers": "content-type, x-cart",
};

/** How the guard closes a WebSocket that it took only to close it. */
async function closing({ webSocket }: Response): Promise<CloseEvent> {
  const closed = new Promise<CloseEvent>((resolve) => {
    webSocket?.addEventListener("close", resolve);
  });
  webSocket?.accept();
  return closed;
}

/** Each way of asking, and what the answer to it is; the verdict only changes its status. */
const ASKED = [
  ["a browser", { method: "GET", headers: { accept: HTML } }, page],
  ["a navigation that accepts anything", { method: "GET", headers: NAVIGATION }, page],
  ["a program", { method: "GET", headers: { accept: JSON_FIRST } }, problem],
  ["a program that accepts anything", { method: "GET", headers: { accept: "*/*" } }, problem],
  ["a program that says nothing", { method: "GET" }, problem],
  ["a browser's HEAD", { method: "HEAD", headers: { accept: HTML } }, page],
  ["a program's HEAD", { method: "HEAD", headers: { accept: JSON_FIRST } }, problem],
  ["a form", { method: "POST", headers: { accept: HTML } }, page],
  ["a script's POST", { method: "POST", headers: { accept: JSON_FIRST } }, problem],
  ["a PUT", { method: "PUT", headers: { accept: JSON_FIRST } }, problem],
  ["a PATCH", { method: "PATCH", headers: { accept: JSON_FIRST } }, problem],
  ["a DELETE", { method: "DELETE", headers: { accept: JSON_FIRST } }, problem],
  ["a method of another protocol", { method: "PROPFIND", headers: { accept: "*/*" } }, problem],
  ["an OPTIONS that is no preflight", { method: "OPTIONS", headers: { accept: "*/*" } }, problem],
  ["a preflight", { method: "OPTIONS", headers: PREFLIGHT }, "preflight"],
  ["a WebSocket", { method: "GET", headers: { upgrade: "websocket" } }, "websocket"],
] as const;
const VERDICTS = [
  ["maintenance", {}, 503, 1013],
  ["read-only", {}, 503, 1013],
  ["disabled-feature", { routes: ["/cart"] }, 503, 1013],
  ["block-networks", { networks: ["192.0.2.7"] }, 403, 1008],
] as const;

describe.for(VERDICTS)("%s", ([kind, match, status, closeCode]) => {
  it.for(ASKED)("answers %s", async ([, init, type], { expect }) => {
    const response = answer(init, { kind, match });
    const retryAfter = status === 503 ? "60" : null;
    if (type === "websocket") {
      expect(response.status).toBe(101);
      expect(await closing(response)).toMatchObject({ code: closeCode });
      return;
    }
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("retry-after")).toBe(retryAfter);
    if (type === "preflight") {
      expect(response.status).toBe(204);
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
      return;
    }
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("vary")).toBe("Accept, Origin");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await response.text()) === "").toBe(init.method === "HEAD");
  });
});

const BLOCK = { kind: "block-networks", match: { networks: ["192.0.2.7"] } } as const;

it("writes a blocked client a problem that it can switch on, in the site's words", async ({
  expect,
}) => {
  const messages = { ...words, blocked: "Not from there." };
  expect(await answer({ headers: { accept: JSON_FIRST } }, BLOCK, { messages }).json()).toEqual({
    type: "/_firebreak/problems/block-networks",
    title: "Not available from your network",
    status: 403,
    detail: "Not from there.",
  });
});

it("writes a problem that a program can switch on", async ({ expect }) => {
  const response = answer({ headers: { accept: JSON_FIRST } });
  expect(await response.json()).toEqual({
    type: "/_firebreak/problems/maintenance",
    title: "Back shortly",
    status: 503,
    detail: "We are working on it and will be back shortly.",
    retry_after_seconds: 60,
  });
});

it.for([
  ["read-only", "/_firebreak/problems/read-only", "Changes are paused for the moment"],
  ["disabled-feature", "/_firebreak/problems/disabled-feature", "is switched off"],
] as const)("says in which way, in %s", async ([kind, type, detail], { expect }) => {
  const match = kind === "disabled-feature" ? { routes: ["/cart"] } : {};
  const response = answer({ method: "POST" }, { kind, match });
  expect(await response.json()).toMatchObject({ type, detail: expect.stringContaining(detail) });
});

it("writes a page without a script, without a third party, and with the site's words", async ({
  expect,
}) => {
  const messages = { ...words, maintenance: "Back at noon." };
  const text = await answer({ headers: { accept: HTML } }, {}, { messages }).text();
  expect(text).toContain('<html lang="en">');
  expect(text).toContain("Back at noon.");
  expect(text).toContain("The Shop");
  expect(text).toContain('<a href="mailto:help@shop.example">');
  expect(text).not.toMatch(/<script|src=|@import|url\(/);
});

it.for([
  ["its own", "/_firebreak/status", '<a href="/_firebreak/status">'],
  ["another", "https://status.example/?a=1&b", '<a href="https://status.example/?a=1&amp;b">'],
] as const)("leads to the status page: %s", async ([, statusPage, link], { expect }) => {
  const response = answer({ headers: { accept: HTML } }, {}, { statusPage });
  expect(await response.text()).toContain(link);
});

it("leads nowhere when there is no status page", async ({ expect }) => {
  const response = answer({ headers: { accept: HTML } }, {}, { statusPage: null });
  expect(await response.text()).not.toContain("Status and news");
});

it("says what became of the form that was just sent", async ({ expect }) => {
  const response = answer({ method: "POST", headers: { accept: HTML } }, { kind: "read-only" });
  expect(await response.text()).toContain("was not saved");
});

it("escapes every word that it was given", async ({ expect }) => {
  const evil = `<script>alert("1")</script>'&`;
  const messages = {
    maintenance: evil,
    readOnly: evil,
    disabledFeature: evil,
    blocked: evil,
    limited: evil,
    challenge: evil,
    contact: evil,
  };
  const entries = [{}, { action: { message: evil } }];
  for (const entry of entries) {
    const text = await answer({ headers: { accept: HTML } }, entry, {
      title: evil,
      messages,
    }).text();
    expect(text).not.toContain("<script");
    expect(text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;");
  }
});

it("never shows a visitor the operator's reason", async ({ expect }) => {
  const reason = "postgres-7 is on fire";
  for (const accept of [HTML, JSON_FIRST]) {
    expect(await answer({ headers: { accept } }, { reason }).text()).not.toContain(reason);
  }
});

it.for([
  ["less than nothing", -1, RETRY_AFTER_SECONDS_MIN],
  ["a moment", 1_000, RETRY_AFTER_SECONDS_MIN],
  ["part of a second more", 20_001, 21],
  ["an hour", 3_600_000, RETRY_AFTER_SECONDS_MAX],
] as const)("asks to come back within reason: %s left", ([, leftMs, seconds], { expect }) => {
  const response = answer({}, { expiresAtMs: NOW_MS + leftMs });
  expect(response.headers.get("retry-after")).toBe(String(seconds));
});

it("prefers the entry's own message and Retry-After", async ({ expect }) => {
  const response = answer({}, { action: { message: "Back at six.", retryAfterSeconds: 7_200 } });
  expect(response.headers.get("retry-after")).toBe("7200");
  expect(await response.json()).toMatchObject({ detail: "Back at six." });
});

it("lets a script of another origin read the refusal, with its cookies or without", ({
  expect,
}) => {
  const { headers } = answer({ headers: { origin: "https://app.example" } });
  expect(headers.get("access-control-allow-origin")).toBe("https://app.example");
  expect(headers.get("access-control-allow-credentials")).toBe("true");
  expect(headers.get("access-control-expose-headers")).toBe("Retry-After");
});

it("grants a preflight for this once, and never with credentials", ({ expect }) => {
  const response = answer({ method: "OPTIONS", headers: PREFLIGHT });
  expect(response.status).toBe(204);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "PUT",
    "access-control-allow-headers": "content-type, x-cart",
    "access-control-max-age": "0",
    "cache-control": "no-store",
  });
  expect(response.headers.get("access-control-allow-credentials")).toBeNull();
});

it("accepts a WebSocket only to close it with a code that its script can see", async ({
  expect,
}) => {
  const response = answer({ headers: { upgrade: "websocket" } });
  expect(response.status).toBe(101);
  expect(await closing(response)).toMatchObject({ code: 1013, reason: "Back shortly" });
});
