/** Jira against the stand-in. */
import { describe, it } from "vitest";
import { z } from "zod";
import { jira as standIn } from "../../../dev/vendors/jira.ts";
import { jira } from "../../../src/notify/channels/jira.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { refOf, ticketContract } from "../../contract/tickets.ts";
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
  it("that may have been made is waited for as long as the search may not know of it, and made but once", async ({
    expect,
  }) => {
    const searchLagMs = 300;
    const world = await facing(
      jira,
      standIn({ ...SECRET, issueType: "Task", searchLagMs }),
      (url) => ({ ...SECRET, site: url }),
    );
    await world.fail({ kind: "duplicate" });
    const begunAtMs = Date.now();
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
    const again = await world.send({ triedAtMs: begunAtMs });
    expect(again).toMatchObject({
      ok: false,
      error: { class: "retry", detail: "Jira's search may not know of it yet" },
    });
    const { afterMs = 0 } = again.ok ? {} : again.error;
    expect(afterMs).toBeGreaterThan(59_000);
    expect(afterMs).toBeLessThanOrEqual(60_000);
    expect(await issuesIn(world)).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 2 * searchLagMs));
    expect(await refOf(world.send({ triedAtMs: begunAtMs }))).toBe("OPS-1");
    expect(await issuesIn(world)).toHaveLength(1);
  });

  it("that the search does not know after a minute was not made", async ({ expect }) => {
    const world = await tickets();
    const long = await refOf(world.send({ triedAtMs: Date.now() - 60_000 }));
    expect(long).toBe("OPS-1");
  });

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
