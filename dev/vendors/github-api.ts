/** GitHub's REST API, as far as Firebreak asks it: the commits of a repository. It checks as the vendor does. */
import { Hono, type Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";
import type { Vendor } from "./vendor.ts";

const PER_PAGE_MAX = 100;
const VERSIONS: readonly string[] = ["2022-11-28"];

const commit = z.strictObject({
  sha: z.string().regex(/^[0-9a-f]{40}$/),
  at: z.iso.datetime(),
  /** Null: GitHub knows no account with the author's address. */
  login: z.string().nullable().default("ada"),
  name: z.string().default("Ada Lovelace"),
  message: z.string(),
});
/** What a PUT on its control path sets, by `owner/name` and branch: newest commits first. The first branch is the default. */
const state = z.strictObject({
  repositories: z.record(z.string(), z.record(z.string(), z.array(commit).max(1_000))).default({}),
});
export type GithubState = z.input<typeof state>;

const asked = z.strictObject({
  sha: z.string().min(1).optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
  per_page: z.coerce.number().int().min(1).max(PER_PAGE_MAX).default(30),
  page: z.coerce.number().int().min(1).default(1),
});

export function githubApi(options: {
  readonly token: string;
  readonly initial?: GithubState;
}): Vendor {
  const initial = (): z.output<typeof state> => state.parse(structuredClone(options.initial ?? {}));
  let world = initial();
  const app = new Hono();

  app.use(async (c, next) => {
    if ((c.req.header("user-agent") ?? "") === "") {
      return c.text(
        "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        403,
      );
    }
    if (c.req.header("authorization") !== `Bearer ${options.token}`) {
      return refuse(c, 401, "Bad credentials");
    }
    const version = c.req.header("x-github-api-version");
    if (version !== undefined && !VERSIONS.includes(version)) {
      return refuse(c, 400, `${version} is not a supported API version`);
    }
    if (c.req.header("accept") !== "application/vnd.github+json") {
      return refuse(c, 415, "Unsupported 'Accept' header");
    }
    return next();
  });

  app.get("/repos/:owner/:name/commits", (c) => {
    const branches = world.repositories[`${c.req.param("owner")}/${c.req.param("name")}`];
    if (branches === undefined) return refuse(c, 404, "Not Found");
    const query = asked.safeParse(c.req.query());
    if (!query.success) return refuse(c, 422, z.prettifyError(query.error));
    const { sha, since, until, per_page: perPage, page } = query.data;
    const branch = sha ?? Object.keys(branches)[0] ?? "";
    const commits = branches[branch];
    if (commits === undefined) return refuse(c, 404, "Not Found");
    const found = commits.filter(
      ({ at }) =>
        Date.parse(at) >= Date.parse(since ?? at) && Date.parse(at) <= Date.parse(until ?? at),
    );
    if (found.length > page * perPage) {
      const next = new URL(c.req.url);
      next.searchParams.set("page", String(page + 1));
      c.header("Link", `<${next.href}>; rel="next"`);
    }
    return c.json(found.slice((page - 1) * perPage, page * perPage).map(shown));
  });

  app.notFound((c) => refuse(c, 404, "Not Found"));
  return {
    name: "github-api",
    fetch: (request) => app.fetch(request),
    state: () => world,
    setState: (value) => {
      world = state.parse(value);
    },
    reset: () => {
      world = initial();
    },
  };
}

const shown = ({ sha, at, login, name, message }: z.output<typeof commit>) => ({
  sha,
  node_id: `C_${sha.slice(0, 8)}`,
  commit: {
    author: { name, email: "author@shop.example", date: at },
    committer: { name: "GitHub", email: "noreply@github.com", date: at },
    message,
    comment_count: 0,
  },
  author: login === null ? null : { login, id: 1, type: "User" },
  committer: { login: "web-flow", id: 2, type: "User" },
  parents: [],
});

const refuse = (c: Context, status: ContentfulStatusCode, message: string): Response =>
  c.json(
    { message, documentation_url: "https://docs.github.com/rest", status: String(status) },
    status,
  );
