/** The baseline: a Hono app that hands every request to production over a service binding. */
import { Hono } from "hono";

const app = new Hono<{ Bindings: { readonly ORIGIN: Fetcher } }>();
app.all("*", (c) => c.env.ORIGIN.fetch(c.req.raw));

export default app;
