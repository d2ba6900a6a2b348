/** The storefront: browse pitches, sign in, make one, buy one. An ordinary Hono Worker on Neon and Upstash. */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { HTTPException } from "hono/http-exception";
import { apiKeys } from "./api-keys.ts";
import type { App } from "./app.ts";
import { checkout } from "./checkout.ts";
import { health } from "./health.ts";
import { readLastWrite, rememberLastWrite } from "./last-write.ts";
import { ErrorPage, HomePage } from "./pages.tsx";
import { paymentWebhook } from "./payment-webhook.ts";
import { listPitches, pitches } from "./pitches.ts";
import { signIn } from "./sign-in.ts";
import { SITE_CSS } from "./site-css.ts";
import { openStores } from "./stores.ts";
import { addressOf, wantsHtml } from "./visitor.ts";

const BODY_BYTES_MAX = 64 * 1024;

const document = (page: { toString(): string }): string => `<!doctype html>${page.toString()}`;

const app = new Hono<App>();

app.get("/assets/site.css", (c) =>
  c.body(SITE_CSS, 200, {
    "Content-Type": "text/css; charset=utf-8",
    "Cache-Control": "public, max-age=3600",
  }),
);

app.use(bodyLimit({ maxSize: BODY_BYTES_MAX }));
app.use(async function stores(c, next) {
  const wroteAtMs = readLastWrite(c);
  const stores = openStores(c.env, {
    session: { key: addressOf(c), wroteAtMs },
    waitUntil: (promise) => c.executionCtx.waitUntil(promise),
  });
  c.set("stores", stores);
  stores.payments.work();
  await next();
  const { wroteAtMs: writtenAtMs } = stores.db;
  if (writtenAtMs !== null && writtenAtMs !== wroteAtMs) rememberLastWrite(c, writtenAtMs);
});
app.get("/", async (c) => {
  const { db, isOff } = c.var.stores;
  // Of all that the page has, this asks the most of the database; signing in goes on without it.
  const pitches = isOff("latest-pitches") ? null : await listPitches(db);
  return c.html(document(HomePage({ pitches })));
});
app.route("/health", health);
app.route("/pitches", pitches);
app.route("/sign-in", signIn);
app.route("/checkout", checkout);
app.route("/api", apiKeys);
app.route("/webhooks/stripe", paymentWebhook);

app.notFound((c) =>
  wantsHtml(c)
    ? c.html(document(ErrorPage({ message: "There is no such page." })), 404)
    : c.json({ error: "not found" }, 404),
);

app.onError((error, c) => {
  if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
  // The kind only: a driver's message may carry the query, its values or the connection string.
  console.error(`${c.req.method} ${c.req.path} failed: ${error.name}`);
  const message = "Something is wrong on our side. Please try again in a minute.";
  return wantsHtml(c)
    ? c.html(document(ErrorPage({ message })), 500)
    : c.json({ error: message }, 500);
});

export default app;
