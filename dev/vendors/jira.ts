/** Jira Cloud's REST API v3, as far as tickets go: made, searched by JQL, commented on in Atlassian's document format, and moved. */
import { Hono, type Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const ISSUES_MAX = 1_000;
const TEXT_CHARS_MAX = 32_767;

const words = z.strictObject({
  type: z.literal("text"),
  text: z.string().min(1),
  marks: z
    .array(z.strictObject({ type: z.literal("link"), attrs: z.strictObject({ href: z.url() }) }))
    .optional(),
});
/** What we write of Atlassian's document format; Jira refuses a document that is none. */
const adf = z
  .strictObject({
    type: z.literal("doc"),
    version: z.literal(1),
    content: z
      .array(
        z.discriminatedUnion("type", [
          z.strictObject({ type: z.literal("paragraph"), content: z.array(words) }),
          z.strictObject({
            type: z.literal("codeBlock"),
            attrs: z.strictObject({ language: z.string() }).optional(),
            // No marks inside code.
            content: z.array(words.omit({ marks: true })),
          }),
        ]),
      )
      .min(1),
  })
  .refine(
    (document) => JSON.stringify(document).length <= TEXT_CHARS_MAX,
    "CONTENT_LIMIT_EXCEEDED",
  );
const label = z.string().regex(/^\S{1,255}$/, "The label contains spaces which is invalid.");
const made = z.strictObject({
  fields: z.strictObject({
    project: z.strictObject({ key: z.string() }),
    issuetype: z.strictObject({ name: z.string() }),
    summary: z.string().min(1).max(255).regex(/^.*$/, "The summary must be one line."),
    description: adf.optional(),
    labels: z.array(label).optional(),
  }),
});
const searched = z.strictObject({
  jql: z.string(),
  fields: z.array(z.string()),
  maxResults: z.int().min(1).max(5_000),
});

const CATEGORIES = ["new", "indeterminate", "done"] as const;
type Category = (typeof CATEGORIES)[number];
type Issue = {
  readonly key: string;
  readonly madeAtMs: number;
  readonly fields: z.output<typeof made>["fields"];
  category: Category;
  readonly comments: z.output<typeof adf>[];
};

export function jira(account: {
  readonly email: string;
  readonly token: string;
  readonly project: string;
  readonly issueType: string;
  /** How long the search does not know of what was made. */
  readonly searchLagMs?: number;
}): Vendor {
  const issues: Issue[] = [];
  const app = new Hono().basePath("/rest/api/3");
  const basic = `Basic ${btoa(`${account.email}:${account.token}`)}`;

  app.use(async (c, next) =>
    c.req.header("authorization") === basic
      ? next()
      : refuse(c, 401, "Client must be authenticated."),
  );

  app.post("/issue", async (c) => {
    const asked = made.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, 400, z.prettifyError(asked.error));
    const { fields } = asked.data;
    if (fields.project.key !== account.project) return refuse(c, 400, "valid project is required");
    if (fields.issuetype.name !== account.issueType)
      return refuse(c, 400, "issue type is required");
    if (issues.length >= ISSUES_MAX) return refuse(c, 400, "the project is full");
    const number = issues.length + 1;
    const key = `${account.project}-${number}`;
    issues.push({ key, madeAtMs: Date.now(), fields, category: "new", comments: [] });
    return c.json({ id: String(10_000 + number), key, self: c.req.url }, 201);
  });

  // The search of before is gone.
  app.post("/search", (c) => refuse(c, 410, "The requested API has been removed."));
  app.post("/search/jql", async (c) => {
    const asked = searched.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, 400, z.prettifyError(asked.error));
    const wanted = /^project = "(\w+)" AND labels = "(\S+)"$/.exec(asked.data.jql);
    if (wanted === null) return refuse(c, 400, "Error in the JQL Query");
    const [, project, name = ""] = wanted;
    const indexedUntilMs = Date.now() - (account.searchLagMs ?? 0);
    const found = issues.filter(
      ({ madeAtMs, fields: { labels = [] } }) =>
        madeAtMs <= indexedUntilMs && project === account.project && labels.includes(name),
    );
    const page = found.toReversed().slice(0, asked.data.maxResults);
    return c.json({ issues: page.map(({ key }) => ({ key })), isLast: true });
  });

  const at = (c: Context): Issue | undefined =>
    issues.find(({ key }) => key === c.req.param("key"));
  const gone = (c: Context): Response =>
    refuse(c, 404, "Issue does not exist or you do not have permission to see it.");
  app.get("/issue/:key", (c) => {
    const issue = at(c);
    if (issue === undefined) return gone(c);
    const asked = (c.req.query("fields") ?? "").split(",");
    const status = { statusCategory: { key: issue.category } };
    const all: Readonly<Record<string, unknown>> = { ...issue.fields, status };
    const fields = Object.fromEntries(asked.map((name) => [name, all[name] ?? null]));
    return c.json({ key: issue.key, fields });
  });
  app.get("/issue/:key/comment", (c) => {
    const issue = at(c);
    if (issue === undefined) return gone(c);
    const { orderBy, maxResults = "50" } = c.req.query();
    const all = orderBy === "-created" ? issue.comments.toReversed() : issue.comments;
    return c.json({ comments: all.slice(0, Number(maxResults)).map((body) => ({ body })) });
  });
  app.post("/issue/:key/comment", async (c) => {
    const issue = at(c);
    if (issue === undefined) return gone(c);
    const asked = z.strictObject({ body: adf }).safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, 400, "Comment body is not valid!");
    issue.comments.push(asked.data.body);
    return c.json({ id: String(issue.comments.length), body: asked.data.body }, 201);
  });
  /** A workflow offers no way to where the ticket stands. */
  const waysFrom = ({ category }: Issue) =>
    CATEGORIES.filter((to) => to !== category).map((to) => ({
      id: String(CATEGORIES.indexOf(to) + 11),
      name: to,
      to: { statusCategory: { key: to } },
    }));
  app.get("/issue/:key/transitions", (c) => {
    const issue = at(c);
    return issue === undefined ? gone(c) : c.json({ transitions: waysFrom(issue) });
  });
  app.post("/issue/:key/transitions", async (c) => {
    const issue = at(c);
    if (issue === undefined) return gone(c);
    const asked = z
      .strictObject({ transition: z.strictObject({ id: z.string() }) })
      .safeParse(await c.req.json().catch(() => null));
    const way = waysFrom(issue).find(({ id }) => id === asked.data?.transition.id);
    if (way === undefined)
      return refuse(c, 400, "It seems that you have tried an invalid transition.");
    issue.category = way.to.statusCategory.key;
    return c.body(null, 204);
  });
  app.notFound((c) => refuse(c, 404, "not found"));

  return {
    name: "jira",
    fetch: (request) => app.fetch(request),
    state: () => ({ issues }),
    reset: () => {
      issues.length = 0;
    },
  };
}

const refuse = (c: Context, status: ContentfulStatusCode, message: string): Response =>
  c.json({ errorMessages: [message], errors: {} }, status);
