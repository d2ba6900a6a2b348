/**
 * Lists of an account, as the stand-in for Cloudflare's API keeps them: what is on them changes by bulk operations, a moment later, and
 * one at a time for the whole account.
 */
import type { Hono } from "hono";
import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { answer, invalid, json, refuse } from "./cloudflare-answers.ts";
import type { Plan } from "./cloudflare-rulesets.ts";

const ITEMS_PER_PAGE_MAX = 500;
const COMMENT_CHARS_MAX = 500;
/** Of all lists of an account together. */
const ITEMS_MAX = 10_000;
const LISTS_MAX: Readonly<Record<Plan, number>> = {
  free: 1,
  pro: 10,
  business: 10,
  enterprise: 1_000,
};

const item = z.strictObject({
  id: z.string().min(1),
  ip: z.string(),
  comment: z.string().default(""),
});
const list = z.strictObject({
  id: z.string().min(1),
  name: z.string(),
  kind: z.enum(["ip", "redirect"]).default("ip"),
  description: z.string().default(""),
  items: z.array(item).default([]),
});
/** What a PUT on the control path may set of it. */
export const listed = z.object({
  lists: z.array(list).default([]),
  /** Somebody else's bulk operation is at work until then. */
  bulkUntilMs: z.int().default(0),
});
type Listed = z.output<typeof listed>;

const newList = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9_]+$/)
    .max(50),
  kind: z.literal("ip"),
  description: z.string().max(500).default(""),
});
const newItems = z
  .array(
    z.strictObject({
      ip: z.string().refine(isListable, "is no address or range that a list takes"),
      comment: z.string().max(COMMENT_CHARS_MAX).default(""),
    }),
  )
  .min(1);
const oldItems = z.strictObject({ items: z.array(z.strictObject({ id: z.string() })).min(1) });

/** IPv4 addresses and ranges from /8; IPv6 from /4 to /64, an address alone counting as its /64. */
function isListable(text: string): boolean {
  const [, address = "", prefix] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const between = (least: number, most: number): boolean =>
    prefix === undefined || (Number(prefix) >= least && Number(prefix) <= most);
  return isIPv4(address) ? between(8, 32) : isIPv6(address) && between(4, 64);
}

type Operation = { readonly id: string; readonly endsAtMs: number; readonly carryOut: () => void };

export type ListsOptions = {
  /** How long a bulk operation takes. */
  readonly bulkMs: number;
  readonly plan: () => Plan;
  /** Is it named in a rule of any zone? */
  readonly isNamed: (list: string) => boolean;
};

/** Routes below the account. */
export function listRoutes(
  app: Hono,
  world: () => Listed,
  { bulkMs, plan, isNamed }: ListsOptions,
): void {
  const operations = new Map<string, Operation>();
  let pending: Operation | null = null;
  const settle = (): void => {
    if (pending === null || Date.now() < pending.endsAtMs) return;
    pending.carryOut();
    pending = null;
  };
  const find = (id: string) => world().lists.find((one) => one.id === id);
  const shown = ({ items, ...one }: z.output<typeof list>) => ({
    ...one,
    num_items: items.length,
    num_referencing_filters: isNamed(one.name) ? 1 : 0,
  });

  app.use("/rules/lists/*", async (_, next) => {
    settle();
    return next();
  });

  app.get("/rules/lists", (c) => answer(c, world().lists.map(shown)));

  app.post("/rules/lists", async (c) => {
    const asked = newList.safeParse(await json(c));
    if (!asked.success) return invalid(c, asked.error);
    const { lists } = world();
    if (lists.some(({ name }) => name === asked.data.name)) {
      return refuse(c, 400, { code: 10_024, message: "a list with this name already exists" });
    }
    if (lists.length >= LISTS_MAX[plan()]) {
      return refuse(c, 400, { code: 10_023, message: "maximum number of lists reached" });
    }
    const made = list.parse({ id: hexId(), ...asked.data });
    lists.push(made);
    return answer(c, shown(made));
  });

  app.delete("/rules/lists/:id", (c) => {
    const one = find(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NO_LIST);
    if (isNamed(one.name)) {
      return refuse(c, 400, { code: 10_018, message: "list is referenced by a filter" });
    }
    world().lists = world().lists.filter(({ id }) => id !== one.id);
    return answer(c, { id: one.id });
  });

  app.get("/rules/lists/bulk_operations/:id", (c) => {
    const one = operations.get(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, { code: 10_000, message: "operation not found" });
    const status = one === pending ? "running" : "completed";
    return answer(c, { id: one.id, status });
  });

  app.get("/rules/lists/:id/items", (c) => {
    const one = find(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NO_LIST);
    const perPage = Number(c.req.query("per_page") ?? "25");
    if (!Number.isInteger(perPage) || perPage < 1 || perPage > ITEMS_PER_PAGE_MAX) {
      return refuse(c, 400, { code: 10_003, message: "invalid per_page" });
    }
    const from = Number(c.req.query("cursor") ?? "0");
    const until = from + perPage;
    const cursors = until < one.items.length ? { cursors: { after: String(until) } } : {};
    return c.json({
      success: true,
      errors: [],
      messages: [],
      result: one.items.slice(from, until),
      result_info: cursors,
    });
  });

  /** Takes one operation on, unless another is at work. */
  const begin = (carryOut: () => void): Operation | null => {
    if (pending !== null || Date.now() < world().bulkUntilMs) return null;
    pending = { id: hexId(), endsAtMs: Date.now() + bulkMs, carryOut };
    operations.set(pending.id, pending);
    const begun = pending;
    settle();
    return begun;
  };

  app.post("/rules/lists/:id/items", async (c) => {
    const one = find(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NO_LIST);
    const asked = newItems.safeParse(await json(c));
    if (!asked.success) return invalid(c, asked.error);
    const count = world().lists.reduce((sum, { items }) => sum + items.length, 0);
    if (count + asked.data.length > ITEMS_MAX) {
      return refuse(c, 400, { code: 10_025, message: "maximum number of list items reached" });
    }
    const begun = begin(() => {
      for (const { ip, comment } of asked.data) {
        const there = one.items.find((known) => known.ip === ip);
        // The same address is the same item.
        if (there === undefined) one.items.push({ id: hexId(), ip, comment });
        else there.comment = comment;
      }
    });
    return begun === null ? refuse(c, 429, BUSY) : answer(c, { operation_id: begun.id });
  });

  app.delete("/rules/lists/:id/items", async (c) => {
    const one = find(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NO_LIST);
    const asked = oldItems.safeParse(await json(c));
    if (!asked.success) return invalid(c, asked.error);
    const ids = new Set(asked.data.items.map(({ id }) => id));
    if ([...ids].some((id) => !one.items.some((known) => known.id === id))) {
      return refuse(c, 404, { code: 10_005, message: "list item not found" });
    }
    const begun = begin(() => {
      one.items = one.items.filter(({ id }) => !ids.has(id));
    });
    return begun === null ? refuse(c, 429, BUSY) : answer(c, { operation_id: begun.id });
  });
}

const NO_LIST = { code: 10_001, message: "could not find list" };
/** The vendor documents the status; the code and the words are not. */
const BUSY = { code: 10_040, message: "a bulk operation is already in progress for this account" };

const hexId = (): string => crypto.randomUUID().replaceAll("-", "");
