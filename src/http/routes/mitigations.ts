/** Mitigations across incidents: see them, apply one by hand, take one back, or all of them. */
import { createRoute, z } from "@hono/zod-openapi";
import { unfitForPublic } from "../../shared/private.ts";
import { answers, forRole, optionally, problems, takes, type Api } from "../api-app.ts";
import { actorOf } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders, requestId } from "../idempotency.ts";
import { command } from "../incident-of.ts";
import { openPlainIncident } from "../open-incident.ts";
import { presentMitigations } from "../present.ts";
import { Problem } from "../problems.ts";
import { releaseAll } from "../release-all.ts";
import {
  commandAnswer,
  durationBetween,
  incidentId,
  LEASE_MS_MAX,
  LEASE_MS_MIN,
  listOf,
  mitigation,
  mitigationId,
  text,
  visitorMessage,
} from "../schemas.ts";
import { FIELD_ERRORS_MAX } from "../validation.ts";

const params = z.object({ mid: mitigationId });

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/mitigations",
  tags: ["mitigations"],
  summary: "List the mitigations of open and recent incidents",
  responses: { 200: answers(listOf(mitigation), "All of them"), ...problems },
});

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/mitigations/{mid}",
  tags: ["mitigations"],
  summary: "Read a mitigation of an open or recent incident",
  request: { params },
  responses: { 200: answers(mitigation, "The mitigation"), ...problems },
});

const application = z
  .strictObject({
    actuator: z.string().max(60),
    with: z.record(z.string(), z.unknown()).default({}),
    lease: durationBetween(LEASE_MS_MIN, LEASE_MS_MAX)
      .optional()
      .describe("For how long; an act has none, everything else must"),
    why: text,
    incident: incidentId.optional().describe("Without it, a plain incident is opened or used"),
  })
  .openapi("Application");

const apply = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/mitigations",
  tags: ["mitigations"],
  summary: "Apply a mitigation by hand",
  request: { headers: idempotencyHeaders, body: takes(application) },
  responses: { 200: answers(commandAnswer, "Being applied"), ...problems },
});

const revert = createRoute({
  ...forRole("responder"),
  method: "delete",
  path: "/api/v1/mitigations/{mid}",
  tags: ["mitigations"],
  summary: "Take a mitigation back",
  request: {
    params,
    headers: idempotencyHeaders,
    query: z.object({ why: text.optional() }),
  },
  responses: { 200: answers(commandAnswer, "Being reverted"), ...problems },
});

const reword = createRoute({
  ...forRole("responder"),
  method: "patch",
  path: "/api/v1/mitigations/{mid}",
  tags: ["mitigations"],
  summary: "Change what visitors read while it is in force",
  request: {
    params,
    headers: idempotencyHeaders,
    body: takes(z.strictObject({ message: visitorMessage, why: text.optional() })),
  },
  responses: { 200: answers(commandAnswer, "Being changed"), ...problems },
});

const release = z
  .object({
    incident: z.string(),
    ok: z.boolean(),
    /** Types of the events that it led to. */
    events: z.array(z.string()),
    detail: z.string().nullable(),
  })
  .openapi("Release");

const releaseEverything = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/mitigations/release-all",
  tags: ["mitigations"],
  summary: "The big red button: take every mitigation back, in every incident",
  request: {
    headers: idempotencyHeaders,
    body: optionally(z.strictObject({ why: text.optional() })),
  },
  responses: {
    200: answers(
      z.object({
        items: z.array(release),
        /** Entries that no incident answered for, taken out of the policy directly. */
        removedEntries: z.array(z.string()),
        next: z.null(),
      }),
      "What each incident said",
    ),
    ...problems,
  },
});

export function mitigationRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(list, async (c) => {
    const items = await mitigationsOf(deps);
    return c.json({ items, next: null }, 200);
  });

  api.openapi(apply, async (c) => {
    const { actuator, with: options, lease, why, incident } = c.req.valid("json");
    checkApplication(deps, { actuator, options, lease });
    const id =
      incident ??
      (await openPlainIncident(deps, {
        id: requestId(c, "trg", deps.newId),
        title: `Mitigation by hand: ${why}`,
        severity: "SEV-3",
        actor: actorOf(c.var.caller),
      }));
    const data = { actuator, with: options, leaseMs: lease ?? null, why };
    return c.json(await command(c, deps, id, "apply", data), 200);
  });

  api.openapi(releaseEverything, async (c) => {
    const { items, removedEntries } = await releaseAll(deps, {
      id: requestId(c, "cmd", deps.newId),
      actor: actorOf(c.var.caller),
      why: c.req.valid("json").why ?? "everything was released by hand",
    });
    return c.json(
      {
        items: items.map((item) => ({ ...item, events: [...item.events] })),
        removedEntries: [...removedEntries],
        next: null,
      },
      200,
    );
  });

  api.openapi(read, async (c) => {
    return c.json(await mitigationOf(deps, c.req.valid("param").mid), 200);
  });

  api.openapi(reword, async (c) => {
    const { mid } = c.req.valid("param");
    const { incident: id } = await mitigationOf(deps, mid);
    const { message, why = "" } = c.req.valid("json");
    const data = { leaseId: mid, message, why };
    return c.json(await command(c, deps, id, "reword", data), 200);
  });

  api.openapi(revert, async (c) => {
    const { mid } = c.req.valid("param");
    const { incident: id } = await mitigationOf(deps, mid);
    const data = { leaseId: mid, why: c.req.valid("query").why ?? "" };
    return c.json(await command(c, deps, id, "revert", data), 200);
  });
}

type Asked = {
  readonly actuator: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly lease: number | undefined;
};

/** Before anything is opened for it: an application that cannot be is not worth an incident. */
function checkApplication({ vocabulary }: HttpDeps, { actuator, options, lease }: Asked): void {
  const known = vocabulary.actuators;
  const words = Object.hasOwn(known, actuator) ? known[actuator] : undefined;
  const allowed = Object.keys(known).join(", ");
  const errors =
    words === undefined
      ? [{ field: "body.actuator", value: actuator, message: "unknown actuator", allowed }]
      : [
          ...leaseProblems(words.kind, lease),
          ...words.problemsWith(options).map((message) => ({ field: "body.with", message })),
          ...messageProblems(options["message"]),
        ];
  if (errors.length === 0) return;
  throw new Problem("invalid-request", "Some values are missing or wrong; see `errors`.", {
    errors: errors.slice(0, FIELD_ERRORS_MAX),
  });
}

function leaseProblems(kind: "lease" | "act", lease: number | undefined) {
  const field = "body.lease";
  if (kind === "lease" && lease === undefined) return [{ field, message: "say for how long" }];
  if (kind === "act" && lease !== undefined) {
    return [{ field, message: "an act is done once and never taken back: leave it out" }];
  }
  return [];
}

/** Visitors read it, where there is one. */
function messageProblems(text: unknown) {
  const message = typeof text === "string" ? unfitForPublic(text) : null;
  return message === null ? [] : [{ field: "body.with.message", message }];
}

async function mitigationsOf({ desk }: HttpDeps): Promise<z.infer<typeof mitigation>[]> {
  const views = await desk.open();
  return views.flatMap(presentMitigations);
}

async function mitigationOf(deps: HttpDeps, id: string): Promise<z.infer<typeof mitigation>> {
  const found = (await mitigationsOf(deps)).find((one) => one.id === id);
  if (found === undefined) {
    throw new Problem("not-found", `No open or recent incident has a mitigation ${id}.`);
  }
  return found;
}
