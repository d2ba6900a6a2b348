/** Jira against the stand-in. */
import { describe, it } from "vitest";
import { z } from "zod";
import { jira as standIn } from "../../../dev/vendors/jira.ts";
import { jira } from "../../../src/notify/channels/jira.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { ticketContract } from "../../contract/tickets.ts";
import { facing } from "./vendor.ts";

const ACCOUNT = { email: "bot@shop.test", token: "ATATT3xFfGF0_t0ken-of.the=test" };
const SECRET = { ...ACCOUNT, project: "OPS" };

channelContract({
  channel: jira,
  secretFor: (url) => ({
    secret: { ...SECRET, site: url },
    hidden: [ACCOUNT.token, ACCOUNT.email, btoa(`${ACCOUNT.email}:${ACCOUNT.token}`)],
  }),
  messageIdOf: ({ body }) => JSON.parse(body).fields.description.content.at(-1),
  accepted: [{ status: 201, body: '{"id":"10001","key":"OPS-7"}' }],
});

const tickets = (over: object = {}) =>
  facing(jira, standIn({ ...SECRET, issueType: "Task" }), (url) => ({
    ...SECRET,
    site: url,
    ...over,
  }));
const kept = z.object({
  issues: z.array(
    z.object({
      fields: z.object({
        summary: z.string(),
        description: z.unknown(),
        labels: z.array(z.string()),
      }),
      category: z.string(),
      comments: z.array(z.unknown()),
    }),
  ),
});
const issuesIn = async (world: Awaited<ReturnType<typeof tickets>>) =>
  kept.parse((await world.seen()).state).issues;

ticketContract({
  id: jira.id,
  world: () => tickets(),
  ticketsIn: async (world) =>
    (await issuesIn(world)).map(({ fields, category, comments }) => ({
      title: fields.summary,
      text: JSON.stringify(fields.description),
      isOpen: category !== "done",
      comments: comments.map((comment) => JSON.stringify(comment)),
    })),
});

describe("an issue", () => {
  it("says by its labels whose it is", async ({ expect }) => {
    const world = await tickets();
    await world.send({ severity: "SEV-3" });
    const [issue] = await issuesIn(world);
    expect(issue?.fields.labels).toEqual(["firebreak", "SEV-3", `firebreak-${MESSAGE.incidentId}`]);
  });

  it("is refused to another token, or of another type, and shows neither", async ({ expect }) => {
    const refused = [
      await (await tickets({ token: "another-token-of-the-test" })).send(),
      await (await tickets({ issue_type: "Epic" })).send(),
    ];
    expect(refused).toMatchObject([
      { error: { class: "refuse", detail: "the receiver answered 401" } },
      { error: { class: "refuse", detail: "the receiver answered 400" } },
    ]);
  });
});
