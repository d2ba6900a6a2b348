/** The write journal: what waits for production, and what was given up and waits for people. */
import { createRoute, z } from "@hono/zod-openapi";
import type { DeadLetter, JournalApi } from "../../write-journal/journal-api.ts";
import { answers, forRole, problems, takes, type Api } from "../api-app.ts";
import { ROLES } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders } from "../idempotency.ts";
import { Problem } from "../problems.ts";
import { LIST_LIMIT_MAX, listOf, moment, text } from "../schemas.ts";
import { iso, isoOrNull } from "../times.ts";
import { say } from "../../shared/log.ts";

const routeId = z.string().regex(/^[a-z][a-z0-9-]{0,59}$/, "write a route's id from site.yaml");
const letterId = z.string().regex(/^dlv_[0-9a-f]{26}$/, "write dlv_ and its 26 characters");
const ofRoute = z.object({ route: routeId });
const ofLetter = z.object({ route: routeId, id: letterId });

const state = z
  .object({
    route: z.string(),
    pattern: z.string(),
    scheme: z.string(),
    /** In words; null: nothing is missing here. */
    missing: z.string().nullable(),
    backlogCount: z.int(),
    backlogBytes: z.int(),
    oldestAt: moment.nullable(),
    deadCount: z.int(),
    lastFailure: z.string().nullable(),
  })
  .openapi("WriteJournal");

const deadLetter = z
  .object({
    id: z.string(),
    /** The sender's id of it, or derived from what it sent. */
    delivery: z.string().nullable(),
    path: z.string(),
    bytes: z.int(),
    receivedAt: moment,
    deadAt: moment,
    attempts: z.int(),
    failure: z.string(),
  })
  .openapi("DeadLetter");

const list = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/write-journal",
  tags: ["write journal"],
  summary: "What waits on each route",
  responses: { 200: answers(listOf(state), "Every route of site.yaml"), ...problems },
});

const letters = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/write-journal/{route}/dead-letters",
  tags: ["write journal"],
  summary: "List what was given up",
  request: {
    params: ofRoute,
    query: z.object({
      after: letterId.optional(),
      limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(LIST_LIMIT_MAX),
    }),
  },
  responses: { 200: answers(listOf(deadLetter), "In order of arrival"), ...problems },
});

const inspect = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/write-journal/{route}/dead-letters/{id}",
  tags: ["write journal"],
  summary: "Inspect one",
  description:
    "Its headers and body hold what the sender wrote, so they are for admins only; others read null.",
  request: { params: ofLetter },
  responses: {
    200: answers(
      deadLetter.extend({
        headers: z.record(z.string(), z.string()).nullable(),
        bodyBase64: z.string().nullable(),
      }),
      "The dead letter",
    ),
    ...problems,
  },
});

const driven = answers(z.object({ redriven: z.int() }), "How many are tried again");

const redriveAll = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/write-journal/{route}/redrive",
  tags: ["write journal"],
  summary: "Try all dead letters again, in order of arrival",
  request: { params: ofRoute, headers: idempotencyHeaders },
  responses: { 200: driven, ...problems },
});

const redrive = createRoute({
  ...forRole("responder"),
  method: "post",
  path: "/api/v1/write-journal/{route}/dead-letters/{id}/redrive",
  tags: ["write journal"],
  summary: "Try one again",
  description: "One that is no longer dead is none to try: 0.",
  request: { params: ofLetter, headers: idempotencyHeaders },
  responses: { 200: driven, ...problems },
});

const discard = createRoute({
  ...forRole("admin"),
  method: "post",
  path: "/api/v1/write-journal/{route}/dead-letters/{id}/discard",
  tags: ["write journal"],
  summary: "Drop one for good",
  request: {
    params: ofLetter,
    headers: idempotencyHeaders,
    body: takes(z.strictObject({ why: text.max(500) })),
  },
  responses: {
    200: answers(z.object({ discarded: z.boolean() }), "Whether it was there"),
    ...problems,
  },
});

export function writeJournalRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(list, async (c) => {
    const items = await Promise.all(
      deps.bundle.site.write_journal.map(async ({ id, route, scheme }) => {
        const status = await deps.writeJournal(id).status();
        return {
          route: id,
          pattern: route,
          scheme,
          missing: deps.parts.writeJournals.find((part) => part.id === id)?.missing ?? null,
          backlogCount: status.backlogCount,
          backlogBytes: status.backlogBytes,
          oldestAt: isoOrNull(status.oldestAtMs),
          deadCount: status.deadCount,
          lastFailure: status.lastFailure,
        };
      }),
    );
    return c.json({ items, next: null }, 200);
  });

  api.openapi(letters, async (c) => {
    const { after = null, limit } = c.req.valid("query");
    const found = await journalOf(deps, c.req.valid("param").route).deadLetters(after, limit);
    return c.json({ items: found.items.map(present), next: found.next }, 200);
  });

  api.openapi(inspect, async (c) => {
    const { route, id } = c.req.valid("param");
    const found = await journalOf(deps, route).deadLetter(id);
    if (found === null) throw new Problem("not-found", `${route} has no dead letter ${id}.`);
    const mayRead = ROLES.indexOf(c.var.caller.role) >= ROLES.indexOf("admin");
    const content = mayRead
      ? {
          headers: Object.fromEntries(found.headers.map(({ name, value }) => [name, value])),
          bodyBase64: base64(found.body),
        }
      : { headers: null, bodyBase64: null };
    return c.json({ ...present(found), ...content }, 200);
  });

  api.openapi(redriveAll, async (c) => {
    const redriven = await journalOf(deps, c.req.valid("param").route).redrive(null);
    return c.json({ redriven }, 200);
  });

  api.openapi(redrive, async (c) => {
    const { route, id } = c.req.valid("param");
    return c.json({ redriven: await journalOf(deps, route).redrive(id) }, 200);
  });

  api.openapi(discard, async (c) => {
    const { route, id } = c.req.valid("param");
    const discarded = await journalOf(deps, route).discard(id);
    // What is gone must be findable afterwards: that it was, by whom, and why.
    const { why } = c.req.valid("json");
    const by = c.var.caller.name;
    say("info", { part: "write-journal", deadLetter: "discarded", route, id, discarded, by, why });
    return c.json({ discarded }, 200);
  });
}

/** Of a configured route only: whoever asks must not make objects by name. */
function journalOf({ bundle, writeJournal }: HttpDeps, route: string): JournalApi {
  const isKnown = bundle.site.write_journal.some(({ id }) => id === route);
  if (!isKnown) throw new Problem("not-found", `site.yaml has no write journal ${route}.`);
  return writeJournal(route);
}

const present = (letter: DeadLetter): z.infer<typeof deadLetter> => ({
  id: letter.id,
  delivery: letter.key,
  // Without its query, where senders put tokens.
  path: new URL(letter.url).pathname,
  bytes: letter.bytes,
  receivedAt: iso(letter.receivedAtMs),
  deadAt: iso(letter.deadAtMs),
  attempts: letter.attempts,
  failure: letter.failure,
});

const base64 = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
