/** GitHub Issues against the stand-in. */
import { describe, it } from "vitest";
import { z } from "zod";
import { githubIssues as issuesVendor } from "../../../dev/vendors/github-issues.ts";
import { githubIssues } from "../../../src/notify/channels/github-issues.ts";
import { channelContract } from "../../contract/channel.ts";
import { ticketContract } from "../../contract/tickets.ts";
import { facing } from "./vendor.ts";

const TOKEN = "github_pat_0123456789abcdef";
const REPOSITORY = "shop/tickets";

channelContract({
  channel: githubIssues,
  secretFor: (url) => ({
    secret: { token: TOKEN, repository: REPOSITORY, api: url },
    hidden: [TOKEN, REPOSITORY],
  }),
  messageIdOf: ({ body }) => /<!-- firebreak:dlv_\w+ -->/.exec(JSON.parse(body).body)?.[0],
  accepted: [{ status: 201, body: '{"number":7}' }],
});

const tickets = (over: object = {}) =>
  facing(githubIssues, issuesVendor({ token: TOKEN, repository: REPOSITORY }), (url) => ({
    token: TOKEN,
    repository: REPOSITORY,
    api: url,
    ...over,
  }));
const kept = z.object({
  issues: z.array(
    z.object({
      title: z.string(),
      body: z.string(),
      labels: z.array(z.string()),
      state: z.string(),
      comments: z.array(z.object({ body: z.string() })),
    }),
  ),
});
const issuesIn = async (world: Awaited<ReturnType<typeof tickets>>) =>
  kept.parse((await world.seen()).state).issues;

ticketContract({
  id: githubIssues.id,
  world: () => tickets(),
  ticketsIn: async (world) =>
    (await issuesIn(world)).map(({ title, body, state, comments }) => ({
      title,
      text: body,
      isOpen: state === "open",
      comments: comments.map((comment) => comment.body),
    })),
});

describe("an issue", () => {
  it("has labels, and shows what others wrote as they wrote it", async ({ expect }) => {
    const world = await tickets();
    await world.send({ severity: "SEV-3", body: "```\n@everyone" });
    const [issue] = await issuesIn(world);
    expect(issue?.labels).toEqual(["firebreak", "SEV-3"]);
    expect(issue?.body).toContain("````text");
  });

  it("is refused to another token, which is not shown", async ({ expect }) => {
    const sent = await (await tickets({ token: "github_pat_another_token" })).send();
    expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
    expect(JSON.stringify(sent)).not.toMatch(/another_token|shop/);
  });
});
