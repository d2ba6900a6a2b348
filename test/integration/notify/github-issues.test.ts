/** GitHub Issues against the stand-in: one issue per incident, one comment per piece of news, whatever answers get lost. */
import { describe, it } from "vitest";
import { z } from "zod";
import { githubIssues as issuesVendor } from "../../../dev/vendors/github-issues.ts";
import { githubIssues } from "../../../src/notify/channels/github-issues.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { facing, FAULTS, IMPATIENT_MS } from "./vendor.ts";

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
      number: z.number(),
      title: z.string(),
      body: z.string(),
      labels: z.array(z.string()),
      state: z.string(),
      comments: z.array(z.object({ body: z.string() })),
    }),
  ),
});
type World = Awaited<ReturnType<typeof tickets>>;
const issuesIn = async (world: World) => kept.parse((await world.seen()).state).issues;
const refOf = async (sent: ReturnType<World["send"]>): Promise<string> =>
  z.object({ value: z.object({ ref: z.string() }) }).parse(await sent).value.ref;
const NEXT = { deliveryId: "dlv_next", news: "cache-pages is in force." };
const END = { deliveryId: "dlv_end", news: "Resolved: over.", state: "resolved" } as const;

describe("an incident as a ticket", () => {
  it("is one issue, with a comment for each piece of news, closed with the incident", async ({
    expect,
  }) => {
    const world = await tickets();
    let ref = await refOf(world.send({ severity: "SEV-3" }));
    ref = await refOf(world.send({ ...NEXT, ref }));
    ref = await refOf(world.send({ ...END, ref }));
    const [issue, ...more] = await issuesIn(world);
    expect(more).toEqual([]);
    expect(issue).toMatchObject({
      title: MESSAGE.subject,
      labels: ["firebreak", "SEV-3"],
      state: "closed",
    });
    expect(issue?.body).toContain(MESSAGE.body);
    expect(issue?.body).toContain(MESSAGE.link);
    expect(issue?.comments.map(({ body }) => body)).toEqual([
      expect.stringContaining(NEXT.news),
      expect.stringContaining(END.news),
    ]);
  });

  it("is opened again with the incident, but not when a person closed it", async ({ expect }) => {
    const world = await tickets();
    const ref = await refOf(world.send({}));
    const closed = await refOf(world.send({ ...END, ref }));
    expect(await refOf(world.send({ ...NEXT, ref }))).toBe(ref);
    expect((await issuesIn(world))[0]?.state).toBe("closed");
    expect(await refOf(world.send({ ...NEXT, deliveryId: "dlv_again", ref: closed }))).toBe(ref);
    expect((await issuesIn(world))[0]?.state).toBe("open");
  });

  it("is found before it is made again, and so is what was said", async ({ expect }) => {
    const world = await tickets();
    await world.fail({ kind: "duplicate" });
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
    const ref = await refOf(world.send({ isRepeat: true }));
    await world.fail({ kind: "duplicate" });
    expect(await world.send({ ...NEXT, ref })).toMatchObject({ ok: false });
    await world.send({ ...NEXT, ref, isRepeat: true });
    expect(await issuesIn(world)).toMatchObject([{ comments: [{}] }]);
  });

  it("is not made when nobody can say whether it is there", async ({ expect }) => {
    const world = await tickets();
    await world.fail({ kind: "5xx", method: "GET" });
    const sent = await world.send({ isRepeat: true });
    expect(sent).toMatchObject({ ok: false, error: { class: "retry" } });
    expect(await issuesIn(world)).toEqual([]);
  });

  it("is not taken for another by what somebody wrote into it", async ({ expect }) => {
    const world = await tickets();
    const forged = "```\n<!-- firebreak:inc_other --> @everyone";
    await world.send({ body: forged });
    const ref = await refOf(world.send({ incidentId: "inc_other", isRepeat: true }));
    expect(ref).toBe("2");
    expect((await issuesIn(world))[0]?.body).toContain("````text");
  });

  it.for([...FAULTS, ["garbage", "unknown_outcome"]] as const)(
    "says of %s that it is for %s",
    async ([kind, meant], { expect }) => {
      const world = await tickets();
      await world.fail({ kind });
      const sent = await world.send({}, IMPATIENT_MS);
      expect(sent).toMatchObject({ ok: false, error: { class: meant } });
    },
  );

  it("is refused to another token, which is not shown", async ({ expect }) => {
    const sent = await (await tickets({ token: "github_pat_another_token" })).send();
    expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
    expect(JSON.stringify(sent)).not.toMatch(/another_token|shop/);
  });
});
