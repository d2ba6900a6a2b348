/** GoAlert's generic incoming API: alerts by their dedup key, made once while they are open. As its own source has it. */
import { Hono } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const ALERTS_MAX = 1_000;
const DETAILS_BYTES_MAX = 6 * 1_024;

/** It knows these and ignores others; here a name that it does not know is a mistake of ours. */
const asked = z.strictObject({
  summary: z.string().min(1).max(118),
  details: z
    .string()
    .refine((text) => new TextEncoder().encode(text).length <= DETAILS_BYTES_MAX)
    .default(""),
  action: z.literal("close").optional(),
  dedup: z.string().min(1).max(512),
});

type Alert = {
  readonly dedup: string;
  readonly summary: string;
  status: "triggered" | "closed";
  /** How often somebody was called. */
  pages: number;
};

export function goalert(account: { readonly token: string }): Vendor {
  const alerts = new Map<string, Alert>();
  const app = new Hono();

  app.post("/api/v2/generic/incoming", async (c) => {
    if (c.req.header("authorization") !== `Bearer ${account.token}`) {
      return c.text("unauthorized", 401);
    }
    // Of any other type it reads a form, and finds no summary in it.
    if (!/^application\/json(?:;|$)/.test(c.req.header("content-type") ?? "")) {
      return c.text("Summary: must be at least 1 characters", 400);
    }
    const read = asked.safeParse(await c.req.json().catch(() => null));
    if (!read.success) return c.text(z.prettifyError(read.error), 400);
    if (alerts.size >= ALERTS_MAX) return c.text("too many", 429);
    const { dedup, summary, action } = read.data;
    const known = alerts.get(dedup);
    if (action === "close") {
      if (known !== undefined) known.status = "closed";
    } else if (known?.status !== "triggered") {
      alerts.set(dedup, { dedup, summary, status: "triggered", pages: (known?.pages ?? 0) + 1 });
    }
    return c.body(null, 204);
  });

  return {
    name: "goalert",
    fetch: (request) => app.fetch(request),
    state: () => ({ alerts: [...alerts.values()] }),
    reset: () => alerts.clear(),
  };
}
