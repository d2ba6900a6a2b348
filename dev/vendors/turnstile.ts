/**
 * Turnstile: siteverify, which refuses what Cloudflare's does, and a widget that asks nothing of anybody. Tokens are made by
 * the widget, or by `POST /tokens` on behalf of one; each is good once, for 300 s, for the widget's hostname and action.
 */
import { randomBytes } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const TOKEN_LIFE_MS = 300_000;
const TOKEN_CHARS_MAX = 2_048;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

const wanted = z.strictObject({
  sitekey: z.string().min(1),
  hostname: z.string().min(1),
  action: z.string().max(32).default(""),
});
const shape = z.strictObject({
  /** Of an attack, or a slow clock: makes tokens this much older than they are. */
  agedMs: z.int().min(0).default(0),
});

type Token = z.infer<typeof wanted> & {
  readonly madeAtMs: number;
  /** The idempotency key that it was used under; an empty one without. Null before. */
  usedUnder: string | null;
};

export function turnstile(account: { readonly siteKey: string; readonly secret: string }): Vendor {
  const tokens = new Map<string, Token>();
  let agedMs = 0;
  const app = new Hono();

  const make = (given: z.infer<typeof wanted>): string => {
    const token = `0.${randomBytes(48).toString("base64url")}`;
    tokens.set(token, { ...given, madeAtMs: Date.now() - agedMs, usedUnder: null });
    return token;
  };
  const refuse = (...codes: readonly string[]) => ({ success: false, "error-codes": codes });

  app.post("/tokens", async (c) => {
    c.header("access-control-allow-origin", c.req.header("origin") ?? "*");
    const given = wanted.parse(JSON.parse(await c.req.text()));
    return given.sitekey === account.siteKey
      ? c.json({ token: make(given) })
      : c.json({ error: "unknown sitekey" }, 400);
  });
  app.get("/api.js", (c) => c.body(WIDGET, 200, { "content-type": "text/javascript" }));
  app.get("/frame", (c) => c.html(FRAME));

  app.post("/siteverify", async (c) => {
    const given = await fieldsOf(c.req.raw);
    const badly = given === null ? "bad-request" : wrongWith(given, account.secret);
    if (given === null || badly !== null) return c.json(refuse(badly ?? "bad-request"), 400);
    const { response = "", idempotency_key: key } = given;
    if (response === "") return c.json(refuse("missing-input-response"));
    const token = response.length > TOKEN_CHARS_MAX ? undefined : tokens.get(response);
    if (token === undefined) return c.json(refuse("invalid-input-response"));
    if (!isFresh(token, key)) return c.json(refuse("timeout-or-duplicate"));
    token.usedUnder = key ?? "";
    const { hostname, action, madeAtMs } = token;
    return c.json({
      success: true,
      "error-codes": [],
      challenge_ts: new Date(madeAtMs).toISOString(),
      hostname,
      action,
      cdata: "",
    });
  });

  return {
    name: "turnstile",
    fetch: (request) => app.fetch(request),
    state: () => ({ agedMs, tokens: tokens.size }),
    setState: (value) => {
      ({ agedMs } = shape.parse(value));
    },
    reset: () => {
      tokens.clear();
      agedMs = 0;
    },
  };
}

type Fields = Readonly<Record<string, string | undefined>>;

/** Whose fault it is that nothing can be said about the token: the asker's. */
function wrongWith({ secret = "", idempotency_key: key }: Fields, right: string): string | null {
  if (secret === "") return "missing-input-secret";
  if (secret !== right) return "invalid-input-secret";
  return key !== undefined && !UUID.test(key) ? "bad-request" : null;
}

/** Once; or again as the same attempt. */
const isFresh = ({ madeAtMs, usedUnder }: Token, key: string | undefined): boolean =>
  Date.now() - madeAtMs <= TOKEN_LIFE_MS &&
  (usedUnder === null || (key !== undefined && usedUnder === key));

/** As siteverify takes them: JSON or a form, all of it text. */
async function fieldsOf(request: Request): Promise<Fields | null> {
  const type = request.headers.get("content-type") ?? "";
  const text = await request.text();
  const fields = z.record(z.string(), z.string());
  if (type.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  if (!type.startsWith("application/json")) return null;
  try {
    return fields.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

/** `render` puts an iframe there, as the real one does, and calls back with a token. */
const WIDGET = `(function () {
  var script = document.currentScript, base = script.src.replace(/\\/api\\.js.*/, "");
  window.turnstile = { render: function (place, options) {
    var frame = document.createElement("iframe");
    frame.src = base + "/frame";
    frame.title = "Widget containing a security challenge";
    document.querySelector(place).appendChild(frame);
    frame.onload = function () {
      var asked = { sitekey: options.sitekey, hostname: location.hostname, action: options.action || "" };
      fetch(base + "/tokens", { method: "POST", body: JSON.stringify(asked) })
        .then(function (answer) { return answer.json(); })
        .then(function (made) { options.callback(made.token); }, function () { options["error-callback"]("600010"); });
    };
    return "widget";
  } };
  var name = new URL(script.src).searchParams.get("onload");
  if (name && window[name]) window[name]();
})();`;
const FRAME = "<!doctype html><title>Widget</title><p>Verifying.</p>";
