/**
 * Linear's GraphQL API, as far as tickets go: issues made under an id of the caller's, commented on, and moved between states. It
 * knows the operations that Firebreak sends, and refuses others, unknown fields, and an id that is taken.
 */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const ISSUES_MAX = 1_000;

const uuid = z.uuid({ version: "v4" });
const operations = {
  issueCreate: z.strictObject({
    input: z.strictObject({
      id: uuid.optional(),
      teamId: z.uuid(),
      title: z.string().min(1).max(255),
      description: z.string().max(100_000).optional(),
      priority: z.int().min(0).max(4).optional(),
    }),
  }),
  commentCreate: z.strictObject({
    input: z.strictObject({
      id: uuid.optional(),
      issueId: z.string(),
      body: z.string().min(1).max(100_000),
    }),
  }),
  issueUpdate: z.strictObject({ id: z.string(), input: z.strictObject({ stateId: z.string() }) }),
  issues: z.strictObject({ id: z.string() }),
  comments: z.strictObject({ id: z.string() }),
  issue: z.strictObject({ id: z.string() }),
  team: z.strictObject({ id: z.string(), type: z.enum(["unstarted", "completed"]) }),
} as const;
type Operation = keyof typeof operations;
type Variables = { readonly [Name in Operation]: z.output<(typeof operations)[Name]> };

type Comment = { readonly id: string; readonly body: string };
type Issue = {
  readonly id: string;
  readonly identifier: string;
  readonly title: string;
  readonly description: string;
  readonly priority: number;
  state: string;
  readonly comments: Comment[];
};

/** Of each type, the one that is first in the team's workflow comes last in the answer. */
const STATES = [
  { id: "state-shipped", type: "completed", position: 4 },
  { id: "state-done", type: "completed", position: 3 },
  { id: "state-todo", type: "unstarted", position: 1 },
];
const TODO = "state-todo";

const placeOf = (identifier: string): string => `https://linear.app/shop/issue/${identifier}`;

export function linear(account: { readonly apiKey: string; readonly team: string }): Vendor {
  const issues: Issue[] = [];
  const app = new Hono();

  const find = (id: string): Issue | undefined =>
    issues.find((issue) => issue.id === id || issue.identifier === id);
  const isTaken = (id: string | undefined): boolean =>
    issues.some((issue) => issue.id === id || issue.comments.some((comment) => comment.id === id));
  const typeOf = ({ state }: Issue): string | undefined =>
    STATES.find(({ id }) => id === state)?.type;

  const answers: { readonly [Name in Operation]: (asked: Variables[Name]) => unknown } = {
    issueCreate({ input }) {
      if (input.teamId !== account.team) return null;
      if (isTaken(input.id) || issues.length >= ISSUES_MAX) return null;
      const { id = crypto.randomUUID(), title, description = "", priority = 0 } = input;
      const identifier = `OPS-${issues.length + 1}`;
      issues.push({ id, identifier, title, description, priority, state: TODO, comments: [] });
      return { success: true, issue: { identifier, url: placeOf(identifier) } };
    },
    commentCreate({ input }) {
      const issue = find(input.issueId);
      if (issue === undefined || isTaken(input.id)) return null;
      issue.comments.push({ id: input.id ?? crypto.randomUUID(), body: input.body });
      return { success: true };
    },
    issueUpdate({ id, input }) {
      const issue = find(id);
      if (issue === undefined || !STATES.some((state) => state.id === input.stateId)) return null;
      issue.state = input.stateId;
      return { success: true };
    },
    issues: ({ id }) => ({
      nodes: issues
        .filter((issue) => issue.id === id)
        .map(({ identifier }) => ({
          identifier,
          url: placeOf(identifier),
        })),
    }),
    comments: ({ id }) => ({
      nodes: issues.flatMap(({ comments }) => comments.filter((comment) => comment.id === id)),
    }),
    issue({ id }) {
      const issue = find(id);
      if (issue === undefined) return null;
      return { description: issue.description, state: { type: typeOf(issue) } };
    },
    team: ({ id, type }) =>
      id === account.team
        ? { states: { nodes: STATES.filter((state) => state.type === type) } }
        : null,
  };

  app.post("/graphql", async (c) => {
    // A personal key stands there as it is: `Bearer` is for OAuth.
    if (c.req.header("authorization") !== account.apiKey) {
      return refuse(c, 401, "AUTHENTICATION_ERROR");
    }
    const asked = z
      .strictObject({ query: z.string(), variables: z.record(z.string(), z.unknown()) })
      .safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, 400, "GRAPHQL_PARSE_FAILED");
    const { query, variables } = asked.data;
    const name = /^(?:query|mutation)\([^)]*\) \{ (\w+)\(/.exec(query)?.[1] ?? "";
    if (!isOperation(name)) return refuse(c, 400, "GRAPHQL_VALIDATION_FAILED");
    const given = operations[name].safeParse(variables);
    if (!given.success) return refuse(c, 400, "GRAPHQL_VALIDATION_FAILED");
    const answer = (answers[name] as (asked: unknown) => unknown)(given.data);
    return answer === null ? refuse(c, 200, "INPUT_ERROR") : c.json({ data: { [name]: answer } });
  });

  return {
    name: "linear",
    fetch: (request) => app.fetch(request),
    state: () => ({
      issues: issues.map((issue) => ({ ...issue, state: typeOf(issue) })),
    }),
    reset: () => {
      issues.length = 0;
    },
  };
}

const isOperation = (name: string): name is Operation => Object.hasOwn(operations, name);

const refuse = (c: Context, status: 200 | 400 | 401, code: string): Response =>
  c.json({ data: null, errors: [{ message: "no", extensions: { code } }] }, status);
