/** What people may ask of an incident. A button pressed twice, or too late, is refused with a reason they can read. */
import { z } from "@hono/zod-openapi";
import { severity } from "../../playbooks/schema.ts";
import { optionally, takes, type Api } from "../api-app.ts";
import { incidentCommand, mitigationCommand } from "../command-route.ts";
import { PUBLIC_STATUSES } from "../../incidents/public.ts";
import { howToReach, type Supplier } from "../../playbooks/site-people.ts";
import { Problem } from "../problems.ts";
import type { HttpDeps } from "../deps.ts";
import { command } from "../incident-of.ts";
import { durationBetween, LEASE_MS_MAX, LEASE_MS_MIN, text } from "../schemas.ts";

const CHECKLIST_ITEMS_MAX = 32;
const checklistPlace = z
  .int()
  .min(0)
  .max(CHECKLIST_ITEMS_MAX - 1);
const nothing = optionally(z.strictObject({}));
const why = takes(z.strictObject({ why: text }));
const whyIfAny = optionally(z.strictObject({ why: text.optional() }));

const acknowledge = incidentCommand("acknowledge", "Say that somebody is on it", nothing);
const lead = incidentCommand(
  "lead",
  "Take the lead, or give it to somebody",
  optionally(z.strictObject({ lead: text.max(120).optional() })),
);
const handOver = incidentCommand(
  "hand-over",
  "Give the lead to somebody else, with what they must know; everybody hears it",
  takes(z.strictObject({ to: text.max(120), note: text })),
);
const note = incidentCommand("note", "Write into the timeline", takes(z.strictObject({ text })));
const setSeverity = incidentCommand(
  "severity",
  "Set the severity",
  takes(z.strictObject({ severity, why: text })),
);
const escalate = incidentCommand("escalate", "Call for more people", why);
const askSupport = incidentCommand(
  "support",
  "Say that a supplier is asked for help; everybody hears how they are reached",
  takes(z.strictObject({ supplier: text.max(60), why: text })),
);
const noteSupport = incidentCommand(
  "support/answer",
  "Write down what a supplier answered",
  takes(z.strictObject({ supplier: text.max(60), text })),
);
const resolve = incidentCommand(
  "resolve",
  "Resolve it; while a rule still fires, `why` is required",
  whyIfAny,
);
const reopen = incidentCommand("reopen", "Reopen a resolved incident", why);

const tick = incidentCommand(
  "checklist/tick",
  "Tick an item of the checklist",
  takes(z.strictObject({ item: checklistPlace, why: text.optional() })),
);
const untick = incidentCommand(
  "checklist/untick",
  "Open an item of the checklist again; Firebreak does not tick it by itself any more",
  takes(z.strictObject({ item: checklistPlace, why: text })),
);

const publish = incidentCommand(
  "updates",
  "Say something on the public status page",
  takes(
    z.strictObject({
      message: text.describe("What everybody may read: no names, addresses or secrets"),
      status: z.enum(PUBLIC_STATUSES).exclude(["resolved"]).optional(),
      component: text.max(80).optional(),
    }),
  ),
);

const approve = mitigationCommand("approve", "Approve a proposed mitigation", whyIfAny);
const decline = mitigationCommand("decline", "Decline a proposed mitigation", whyIfAny);
const revert = mitigationCommand("revert", "Take a mitigation back", whyIfAny);
const extend = mitigationCommand(
  "extend",
  "Keep a mitigation for longer",
  takes(z.strictObject({ by: durationBetween(LEASE_MS_MIN, LEASE_MS_MAX), why: text.optional() })),
);

export function incidentCommandRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(acknowledge, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "acknowledge", {}), 200);
  });
  api.openapi(lead, async (c) => {
    const { id } = c.req.valid("param");
    const data = { lead: c.req.valid("json").lead ?? c.var.caller.name };
    return c.json(await command(c, deps, id, "take_lead", data), 200);
  });
  api.openapi(handOver, async (c) => {
    const { id } = c.req.valid("param");
    const { to, note: words } = c.req.valid("json");
    const person = deps.bundle.site.people.find((one) => one.id === to);
    const data = { to: person?.name ?? to, note: words };
    return c.json(await command(c, deps, id, "hand_over", data), 200);
  });
  api.openapi(note, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "note", c.req.valid("json")), 200);
  });
  api.openapi(setSeverity, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "set_severity", c.req.valid("json")), 200);
  });
  api.openapi(escalate, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "escalate", c.req.valid("json")), 200);
  });
  api.openapi(askSupport, async (c) => {
    const { id } = c.req.valid("param");
    const { supplier, why: reason } = c.req.valid("json");
    const contact = supplierOf(supplier, deps);
    const data = { supplier, name: contact.name, how: howToReach(contact), why: reason };
    return c.json(await command(c, deps, id, "ask_support", data), 200);
  });
  api.openapi(noteSupport, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "note_support", c.req.valid("json")), 200);
  });
  api.openapi(resolve, async (c) => {
    const { id } = c.req.valid("param");
    const data = { why: c.req.valid("json").why ?? "" };
    return c.json(await command(c, deps, id, "resolve", data), 200);
  });
  api.openapi(reopen, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "reopen", c.req.valid("json")), 200);
  });
  api.openapi(tick, async (c) => {
    const { id } = c.req.valid("param");
    const { item, why: reason } = c.req.valid("json");
    return c.json(await command(c, deps, id, "tick", { item, why: reason ?? "" }), 200);
  });
  api.openapi(untick, async (c) => {
    const { id } = c.req.valid("param");
    return c.json(await command(c, deps, id, "untick", c.req.valid("json")), 200);
  });
  api.openapi(publish, async (c) => {
    const { id } = c.req.valid("param");
    const { message, status = null, component = null } = c.req.valid("json");
    const ids = deps.bundle.site.components.map((known) => known.id);
    if (component !== null && !ids.includes(component)) throw unknownComponent(component, ids);
    return c.json(await command(c, deps, id, "publish", { message, status, component }), 200);
  });
}

/** @throws {Problem} naming those that the contact sheet has. */
function supplierOf(id: string, { bundle }: HttpDeps): Supplier {
  const found = bundle.site.suppliers.find((one) => one.id === id);
  if (found !== undefined) return found;
  const known = bundle.site.suppliers.map((one) => one.id).join(", ");
  throw new Problem("invalid-request", "The contact sheet in site.yaml has no such supplier.", {
    errors: [
      { field: "body.supplier", value: id, message: "unknown supplier", allowed: known || "none" },
    ],
  });
}

const unknownComponent = (value: string, ids: readonly string[]) =>
  new Problem("invalid-request", "The site has no such component.", {
    errors: [
      { field: "body.component", value, message: "unknown component", allowed: ids.join(", ") },
    ],
  });

export function mitigationCommandRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(approve, async (c) => {
    const { id, mid } = c.req.valid("param");
    const data = { leaseId: mid, why: c.req.valid("json").why ?? "" };
    return c.json(await command(c, deps, id, "approve", data), 200);
  });
  api.openapi(decline, async (c) => {
    const { id, mid } = c.req.valid("param");
    const data = { leaseId: mid, why: c.req.valid("json").why ?? "" };
    return c.json(await command(c, deps, id, "decline", data), 200);
  });
  api.openapi(revert, async (c) => {
    const { id, mid } = c.req.valid("param");
    const data = { leaseId: mid, why: c.req.valid("json").why ?? "" };
    return c.json(await command(c, deps, id, "revert", data), 200);
  });
  api.openapi(extend, async (c) => {
    const { id, mid } = c.req.valid("param");
    const { by, why: reason } = c.req.valid("json");
    const data = { leaseId: mid, byMs: by, why: reason ?? "" };
    return c.json(await command(c, deps, id, "extend", data), 200);
  });
}
