/** Linear against the stand-in. */
import { describe, it } from "vitest";
import { z } from "zod";
import { linear as standIn } from "../../../dev/vendors/linear.ts";
import { linear } from "../../../src/notify/channels/linear.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { ticketContract } from "../../contract/tickets.ts";
import { withReceiver } from "../../support/http-receiver.ts";
import { facing } from "./vendor.ts";

const API_KEY = `lin_api_${"k3y".repeat(10)}`;
const TEAM = "3f2b8c1a-5d4e-4f6a-8b7c-9d0e1f2a3b4c";

channelContract({
  channel: linear,
  secretFor: (url) => ({
    secret: { api_key: API_KEY, team: TEAM, api: url },
    hidden: [API_KEY, TEAM],
  }),
  messageIdOf: ({ body }) => JSON.parse(body).variables.input.id,
  accepted: [
    {
      status: 200,
      body: '{"data":{"issueCreate":{"success":true,"issue":{"identifier":"OPS-7"}}}}',
    },
  ],
});

const tickets = (over: object = {}) =>
  facing(linear, standIn({ apiKey: API_KEY, team: TEAM }), (url) => ({
    api_key: API_KEY,
    team: TEAM,
    api: url,
    ...over,
  }));
const kept = z.object({
  issues: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      description: z.string(),
      priority: z.number(),
      state: z.string(),
      comments: z.array(z.object({ body: z.string() })),
    }),
  ),
});
const issuesIn = async (world: Awaited<ReturnType<typeof tickets>>) =>
  kept.parse((await world.seen()).state).issues;

ticketContract({
  id: linear.id,
  world: () => tickets(),
  ticketsIn: async (world) =>
    (await issuesIn(world)).map(({ title, description, state, comments }) => ({
      title,
      text: description,
      isOpen: state !== "completed",
      comments: comments.map(({ body }) => body),
    })),
});

describe("an issue", () => {
  it("has the priority of its severity, and an id that follows from the incident", async ({
    expect,
  }) => {
    const [one, other] = [await tickets(), await tickets()];
    await one.send({ severity: "SEV-2" });
    await other.send({ severity: "SEV-4" });
    const [[first], [second]] = [await issuesIn(one), await issuesIn(other)];
    expect([first?.priority, second?.priority]).toEqual([2, 4]);
    expect(first?.id).toBe(second?.id);
  });

  it("is refused in words that say why, and never in Linear's", async ({ expect }) => {
    const another = { team: "00000000-0000-4000-8000-000000000000" };
    const refused = [
      await (await tickets({ api_key: `lin_api_${"x".repeat(30)}` })).send(),
      await (await tickets(another)).send(),
    ];
    expect(refused).toMatchObject([
      { error: { class: "refuse", detail: "the receiver answered 401" } },
      { error: { class: "refuse", detail: "Linear answered INPUT_ERROR" } },
    ]);
  });

  it("is for later when too much was asked, which Linear says with a 400", async ({ expect }) => {
    const body = '{"errors":[{"message":"slow down","extensions":{"code":"RATELIMITED"}}]}';
    await withReceiver(
      () => ({ status: 400, body }),
      async ({ url }) => {
        const secret = { api_key: API_KEY, team: TEAM, api: url };
        const reach = { fetch, atMs: Date.now(), deadlineMs: 5_000 };
        expect(await linear.deliver(MESSAGE, secret, reach)).toEqual({
          ok: false,
          error: { class: "retry", detail: "Linear answered RATELIMITED" },
        });
      },
    );
  });
});
