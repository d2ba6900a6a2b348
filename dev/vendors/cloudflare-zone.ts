/** One zone, as the stand-in for Cloudflare's API keeps it: its plan, its settings, and its rules for one address each. */
import type { Hono } from "hono";
import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";
import { answer, invalid, json, refuse } from "./cloudflare-answers.ts";
import { PLANS } from "./cloudflare-rulesets.ts";

const MODES = ["block", "challenge", "whitelist", "js_challenge", "managed_challenge"] as const;
const LEVELS = ["off", "essentially_off", "low", "medium", "high", "under_attack"] as const;
const NOTES_CHARS_MAX = 1_000;
const PER_PAGE_MAX = 1_000;

/** A range has a prefix of these lengths, and no other. */
const RANGES = { 4: [16, 24], 6: [32, 48, 64] };
const configuration = z
  .strictObject({ target: z.enum(["ip", "ip6", "ip_range", "asn", "country"]), value: z.string() })
  .refine(({ target, value }) => isValue(target, value), "is no value of its target");

function isValue(target: string, value: string): boolean {
  const [address = "", prefix] = value.split("/");
  switch (target) {
    case "ip":
      return isIPv4(value);
    case "ip6":
      return isIPv6(value);
    case "ip_range":
      return RANGES[isIPv6(address) ? 6 : 4].includes(Number(prefix));
    case "asn":
      return /^AS\d+$/.test(value);
    default:
      return false;
  }
}

const accessRule = z.strictObject({
  id: z.string().min(1),
  mode: z.enum(MODES),
  configuration,
  notes: z.string().default(""),
});
/** What a PUT on the control path may set of it. */
export const zoned = z.object({
  plan: z.enum(PLANS).default("business"),
  securityLevel: z.enum(LEVELS).default("medium"),
  accessRules: z.array(accessRule).default([]),
});
type Zoned = z.output<typeof zoned>;

const newRule = z.strictObject({
  mode: z.enum(MODES),
  configuration,
  notes: z.string().max(NOTES_CHARS_MAX).default(""),
});
const editedRule = z.strictObject({
  mode: z.enum(MODES).optional(),
  notes: z.string().max(NOTES_CHARS_MAX).optional(),
});

/** Routes below the zone. */
export function zoneRoutes(app: Hono, zoneId: string, world: () => Zoned): void {
  app.get("/", (c) =>
    answer(c, {
      id: zoneId,
      name: "shop.example",
      status: "active",
      plan: { legacy_id: world().plan, name: world().plan },
    }),
  );

  app.get("/settings/security_level", (c) => answer(c, shownLevel(world())));
  app.patch("/settings/security_level", async (c) => {
    const asked = z.strictObject({ value: z.enum(LEVELS) }).safeParse(await json(c));
    if (!asked.success)
      return refuse(c, 400, {
        code: 1_007,
        message: "Invalid value for zone setting security_level",
      });
    world().securityLevel = asked.data.value;
    return answer(c, shownLevel(world()));
  });

  const rules = "/firewall/access_rules/rules";
  const find = (id: string) => world().accessRules.find((one) => one.id === id);
  const shown = (one: z.output<typeof accessRule>) => ({
    ...one,
    allowed_modes: MODES,
    scope: { type: "zone", id: zoneId },
  });

  app.get(rules, (c) => {
    const perPage = Number(c.req.query("per_page") ?? "20");
    if (!Number.isInteger(perPage) || perPage < 1 || perPage > PER_PAGE_MAX) {
      return refuse(c, 400, { code: 10_001, message: "firewallaccessrules.api.invalid_per_page" });
    }
    const { notes, mode, ...where } = c.req.query();
    const found = world().accessRules.filter(
      (one) =>
        one.notes.toLowerCase().includes((notes ?? "").toLowerCase()) &&
        one.mode === (mode ?? one.mode) &&
        one.configuration.target === (where["configuration.target"] ?? one.configuration.target) &&
        one.configuration.value.includes(where["configuration.value"] ?? ""),
    );
    return answer(c, found.slice(0, perPage).map(shown));
  });

  app.post(rules, async (c) => {
    const asked = newRule.safeParse(await json(c));
    if (!asked.success) return invalid(c, asked.error);
    const { target, value } = asked.data.configuration;
    const isThere = world().accessRules.some(
      (one) => one.configuration.target === target && one.configuration.value === value,
    );
    if (isThere) {
      return refuse(c, 400, {
        code: 10_009,
        message: "firewallaccessrules.api.duplicate_of_existing",
      });
    }
    const id = crypto.randomUUID().replaceAll("-", "");
    const made = accessRule.parse({ id, ...asked.data });
    world().accessRules.push(made);
    return answer(c, shown(made));
  });

  app.patch(`${rules}/:id`, async (c) => {
    const one = find(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NO_RULE);
    const asked = editedRule.safeParse(await json(c));
    if (!asked.success) return invalid(c, asked.error);
    Object.assign(one, asked.data);
    return answer(c, shown(one));
  });

  app.delete(`${rules}/:id`, (c) => {
    const one = find(c.req.param("id"));
    if (one === undefined) return refuse(c, 404, NO_RULE);
    world().accessRules = world().accessRules.filter(({ id }) => id !== one.id);
    return answer(c, { id: one.id });
  });
}

const NO_RULE = { code: 10_001, message: "firewallaccessrules.api.not_found" };

const shownLevel = ({ securityLevel }: Zoned) => ({
  id: "security_level",
  value: securityLevel,
  editable: true,
  modified_on: "2026-11-25T00:00:00Z",
});
