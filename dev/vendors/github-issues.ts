/** GitHub's REST API, as far as issues go: made, listed, commented on, opened and closed. */
import { Hono, type Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const ISSUES_MAX = 1_000;
const PAGE_MAX = 100;

const made = z.strictObject({
  title: z.string().min(1).max(256),
  body: z.string().max(65_536).optional(),
  labels: z.array(z.string().min(1).max(50)).optional(),
});
const comment = z.strictObject({ body: z.string().min(1).max(65_536) });
const patched = z.strictObject({ state: z.enum(["open", "closed"]) });

type Comment = { readonly body: string; readonly updated_at: string };
type Issue = {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly labels: readonly string[];
  state: "open" | "closed";
  readonly comments: Comment[];
};

export function githubIssues(account: {
  readonly token: string;
  /** `owner/name`. */
  readonly repository: string;
}): Vendor {
  const issues: Issue[] = [];
  const app = new Hono().basePath(`/repos/${account.repository}`);

  app.use(async (c, next) => {
    if (c.req.header("user-agent") === undefined) return refuse(c, 403, "User-Agent is required");
    if (c.req.header("x-github-api-version") !== "2022-11-28") {
      return refuse(c, 400, "not a supported version");
    }
    // A repository that the token may not see is not there.
    return c.req.header("authorization") === `Bearer ${account.token}`
      ? next()
      : refuse(c, 401, "Bad credentials");
  });

  app.get("/issues", (c) => {
    const { labels, state = "open", per_page: size = "30" } = c.req.query();
    const found = issues.filter(
      (issue) =>
        (labels === undefined ||
          labels.split(",").every((label) => issue.labels.includes(label))) &&
        (state === "all" || issue.state === state),
    );
    return c.json(
      found
        .toReversed()
        .slice(0, Math.min(Number(size), PAGE_MAX))
        .map(shown),
    );
  });

  app.post("/issues", async (c) => {
    const asked = made.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, 422, z.prettifyError(asked.error));
    if (issues.length >= ISSUES_MAX) return refuse(c, 403, "secondary rate limit");
    const { title, body = "", labels = [] } = asked.data;
    const number = issues.length + 1;
    const issue: Issue = { number, title, body, labels, state: "open", comments: [] };
    issues.push(issue);
    return c.json(shown(issue), 201);
  });

  const at = (c: Context): Issue | undefined =>
    issues.find(({ number }) => String(number) === c.req.param("number"));
  app.get("/issues/:number", (c) => {
    const issue = at(c);
    return issue === undefined ? refuse(c, 404, "Not Found") : c.json(shown(issue));
  });
  app.patch("/issues/:number", async (c) => {
    const issue = at(c);
    if (issue === undefined) return refuse(c, 404, "Not Found");
    const asked = patched.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, 422, z.prettifyError(asked.error));
    issue.state = asked.data.state;
    return c.json(shown(issue));
  });
  app.get("/issues/:number/comments", (c) => {
    const issue = at(c);
    if (issue === undefined) return refuse(c, 404, "Not Found");
    const { since = "", per_page: size = "30" } = c.req.query();
    const found = issue.comments.filter(({ updated_at: atTime }) => atTime >= since);
    return c.json(found.slice(0, Math.min(Number(size), PAGE_MAX)));
  });
  app.post("/issues/:number/comments", async (c) => {
    const issue = at(c);
    if (issue === undefined) return refuse(c, 404, "Not Found");
    const asked = comment.safeParse(await c.req.json().catch(() => null));
    if (!asked.success) return refuse(c, 422, z.prettifyError(asked.error));
    issue.comments.push({ ...asked.data, updated_at: new Date().toISOString() });
    return c.json({ id: issue.comments.length, ...asked.data }, 201);
  });
  app.notFound((c) => refuse(c, 404, "Not Found"));

  return {
    name: "github",
    fetch: (request) => app.fetch(request),
    state: () => ({ issues }),
    reset: () => {
      issues.length = 0;
    },
  };
}

const shown = ({ comments, ...issue }: Issue) => ({
  ...issue,
  comments: comments.length,
  html_url: `https://github.com/issues/${issue.number}`,
});

const refuse = (c: Context, status: ContentfulStatusCode, message: string): Response =>
  c.json({ message, documentation_url: "https://docs.github.com/rest" }, status);
