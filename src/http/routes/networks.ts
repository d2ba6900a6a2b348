/** Lists of networks that people keep: whole lists come and go, for a limited time, and guards enforce them within seconds. */
import { createRoute, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ENTRY_LIFE_MS_MAX } from "../../policy/compile.ts";
import { LIST_ACTIONS, LIST_MODES, listId, type ListHead } from "../../policy/lists.ts";
import type { NetworkList } from "../../policy/network-list.ts";
import { partsOf, STORED_CHARS_MAX } from "../../policy/network-list-text.ts";
import type { ListChange, ListRefusal } from "../../policy/policy-api.ts";
import type { Result } from "../../shared/result.ts";
import { answers, forRole, problems, type Api } from "../api-app.ts";
import type { HttpEnv } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { idempotencyHeaders, requestId } from "../idempotency.ts";
import { LIST_BODY_BYTES_MAX, readListBody } from "../list-body.ts";
import { Problem } from "../problems.ts";
import { durationBetween, listOf, networkList, text } from "../schemas.ts";
import { iso } from "../times.ts";
import { say } from "../../shared/log.ts";

export const LIST_LIFE_MS_MIN = 60_000;

const params = z.object({ list: listId });

const headers = idempotencyHeaders.extend({
  "if-match": z
    .string()
    .max(100)
    .optional()
    .describe("The `ETag` that the list must still have, or `*`: it must be there"),
});

const wrongLine = z.object({ line: z.int(), message: z.string() });

const all = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/networks",
  tags: ["networks"],
  summary: "The lists of networks in force",
  responses: { 200: answers(listOf(networkList), "All of them"), ...problems },
});

const read = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/networks/{list}",
  tags: ["networks"],
  summary: "What a list is for, and how much is in it",
  request: { params },
  responses: { 200: answers(networkList, "The list"), ...problems },
});

const readItems = createRoute({
  ...forRole("viewer"),
  method: "get",
  path: "/api/v1/networks/{list}/items",
  tags: ["networks"],
  summary: "What is in a list, in lines that can be sent back",
  request: { params },
  responses: {
    200: { description: "The lines", content: { "text/plain": { schema: z.string() } } },
    ...problems,
  },
});

/** Read as they arrive, by network-list.ts; the schemas are for the document. */
const LINES = { schema: { type: "string" } } as const;
const ITEMS = { schema: { type: "array", items: {} } } as const;

const put = createRoute({
  ...forRole("responder", LIST_BODY_BYTES_MAX),
  method: "put",
  path: "/api/v1/networks/{list}",
  tags: ["networks"],
  summary: "Make or replace a list; `Content-Encoding: gzip` is understood",
  request: {
    params,
    headers,
    query: z.object({
      action: z.enum(LIST_ACTIONS),
      reason: text.max(500),
      for: durationBetween(LIST_LIFE_MS_MIN, ENTRY_LIFE_MS_MAX),
      owner: z.string().trim().min(1).max(120).optional().describe("The caller, if left out"),
      mode: z.enum(LIST_MODES).default("enforce"),
      partial: z
        .enum(["accept"])
        .optional()
        .describe("Take the right lines of a list that has wrong ones; without it, none is taken"),
    }),
    body: {
      description:
        'Networks, addresses, `AS64500`, countries and JA4s, each on a line; or objects such as `{"network": "192.0.2.0/24", "reason": "scanner", "expiresAtMs": 1794571200000}`, each on a line or in one array',
      content: { "text/plain": LINES, "application/x-ndjson": LINES, "application/json": ITEMS },
    },
  },
  responses: {
    200: answers(
      networkList.extend({
        /** Those that were left out, with `partial=accept`. */
        wrongLines: z.int(),
        /** The first of them. */
        wrong: z.array(wrongLine),
      }),
      "In force within seconds",
    ),
    ...problems,
  },
});

const remove = createRoute({
  ...forRole("responder"),
  method: "delete",
  path: "/api/v1/networks/{list}",
  tags: ["networks"],
  summary: "Take a list away",
  request: { params, headers },
  responses: { 204: { description: "Gone from every guard within seconds" }, ...problems },
});

export function networkRoutes(api: Api, deps: HttpDeps): void {
  api.openapi(all, async (c) => {
    const lists = await deps.policy.lists();
    return c.json({ items: lists.map(presentList), next: null }, 200);
  });

  api.openapi(read, async (c) => {
    const { list: id } = c.req.valid("param");
    const found = (await deps.policy.lists()).find((list) => list.id === id);
    if (found === undefined) throw noSuchList(id);
    return c.json(presentList(found), 200, { etag: etagOf(found) });
  });

  api.openapi(readItems, async (c) => {
    const { list: id } = c.req.valid("param");
    const parts = await deps.policy.listParts(id);
    if (parts === null) throw noSuchList(id);
    return c.text(parts.join(""), 200);
  });

  api.openapi(put, async (c) => {
    const { list: id } = c.req.valid("param");
    const { for: forMs, owner, partial, ...said } = c.req.valid("query");
    const list = await readListBody(c.req.raw);
    if (list.wrongLines > 0 && partial !== "accept") throw wrongLines(list);
    const terms = {
      ...said,
      id,
      owner: owner ?? c.var.caller.name,
      expiresAtMs: deps.now() + forMs,
    };
    const head = orProblem(await deps.policy.putList(terms, storedParts(list), changeOf(c, deps)));
    // Who blocked or allowed whom must be findable afterwards.
    const by = c.var.caller.name;
    const { action, mode, networks, expiresAtMs } = head;
    say("info", { part: "policy", list: "put", id, by, action, mode, networks, expiresAtMs });
    const { wrongLines: left, diagnostics } = list;
    const answer = { ...presentList(head), wrongLines: left, wrong: [...diagnostics] };
    return c.json(answer, 200, { etag: etagOf(head) });
  });

  api.openapi(remove, async (c) => {
    const { list: id } = c.req.valid("param");
    orProblem(await deps.policy.removeList(id, changeOf(c, deps)));
    say("info", { part: "policy", list: "removed", id, by: c.var.caller.name });
    return c.body(null, 204);
  });
}

export const presentList = ({
  expiresAtMs,
  updatedAtMs,
  ...list
}: ListHead): z.infer<typeof networkList> => ({
  ...list,
  expiresAt: iso(expiresAtMs),
  updatedAt: iso(updatedAtMs),
});

const etagOf = ({ sha256 }: ListHead): string => `"${sha256}"`;

const changeOf = (c: Context<HttpEnv>, deps: HttpDeps): ListChange => ({
  request: requestId(c, "req", deps.newId),
  ifMatch: c.req.header("if-match")?.replaceAll('"', "").trim() ?? null,
});

function storedParts(list: NetworkList): string[] {
  const parts = partsOf(list);
  const chars = parts.reduce((sum, part) => sum + part.length, 0);
  if (chars <= STORED_CHARS_MAX) return parts;
  throw new Problem(
    "payload-too-large",
    `A list has at most ${STORED_CHARS_MAX} characters; shorten the reasons.`,
    {
      limitBytes: STORED_CHARS_MAX,
    },
  );
}

const wrongLines = ({ wrongLines: count, diagnostics }: NetworkList): Problem =>
  new Problem(
    "invalid-request",
    `${count} lines are wrong and nothing was changed; correct them, or send partial=accept to leave them out.`,
    {
      wrongLines: count,
      errors: diagnostics.map(({ line, message }) => ({ field: `body line ${line}`, message })),
    },
  );

const noSuchList = (id: string): Problem => new Problem("not-found", `There is no list ${id}.`);

const SLUGS = {
  changed: "precondition-failed",
  refused: "invalid-request",
  not_found: "not-found",
} as const satisfies Record<ListRefusal["reason"], string>;

function orProblem<T>(result: Result<T, ListRefusal>): T {
  if (result.ok) return result.value;
  const { reason, detail } = result.error;
  const errors = reason === "refused" ? { errors: [{ field: "body", message: detail }] } : {};
  throw new Problem(SLUGS[reason], detail, errors);
}
