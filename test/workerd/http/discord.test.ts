/** What is pressed in Discord, over HTTP: proven by the application's key, done by whom `site.yaml` knows, answered as Discord takes it. */
import { describe, it } from "vitest";
import { interactionAnswer } from "../../../dev/vendors/discord.ts";
import { utf8 } from "../../../src/guard/write-journal/bytes.ts";
import { incidentId } from "../../../src/http/schemas.ts";
import { writePressed, type Deed } from "../../../src/notify/buttons.ts";
import { client, declared, deps, firing } from "./api.ts";

const ADA = "1100000000000000009";
const VIEWER = "1100000000000000010";
const NOBODY = "1100000000000000011";
const hex = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString("hex");

/** The site with a channel of an application of its own, and what sends to it as Discord does. */
async function discord() {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("a pair of keys");
  const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
  if (!(raw instanceof ArrayBuffer)) throw new Error("bytes");
  const secret = { token: "t".repeat(60), channel: "1100000000000000001", public_key: hex(raw) };
  const ask = client({
    bundle: {
      ...deps.bundle,
      site: {
        ...deps.bundle.site,
        channels: [{ id: "chat", kind: "discord", secret: "CHANNEL_CHAT", severities: ["SEV-1"] }],
        people: [
          { id: "ada", name: "Ada Lovelace", role: "responder", discord: ADA },
          { id: "vic", name: "Vic", role: "viewer", discord: VIEWER },
        ],
      },
    },
    channelSecret: () => JSON.stringify(secret),
  });
  const seconds = String(Math.floor(Date.now() / 1_000));
  const signatureOf = async (body: string): Promise<string> =>
    hex(await crypto.subtle.sign("Ed25519", pair.privateKey, utf8(seconds + body)));
  const post = (body: string, signature: string) =>
    ask("/chat/discord", {
      as: null,
      body,
      headers: {
        "content-type": "application/json",
        "x-signature-ed25519": signature,
        "x-signature-timestamp": seconds,
      },
    });
  return {
    post,
    signatureOf,
    /** What Discord is answered: nothing that it would not take. */
    send: async (given: unknown) => {
      const body = JSON.stringify(given);
      const answer = await post(body, await signatureOf(body));
      return interactionAnswer.parse(await answer.json());
    },
  };
}

const pressing = (id: string, deed: Deed): string =>
  writePressed({
    deed,
    mitigation: null,
    incidentId: incidentId.parse(id),
    deliveryId: `dlv_${"1".repeat(26)}`,
  });
/** As Discord sends it. */
const about = (user: string) => ({
  id: "1100000000000000020",
  application_id: "1100000000000000021",
  version: 1,
  token: "an-interactions-token",
  guild_id: "1100000000000000022",
  channel_id: "1100000000000000001",
  member: { user: { id: user, username: "ada" }, roles: [], permissions: "0" },
});
const press = (custom_id: string, user = ADA) => ({
  ...about(user),
  type: 3,
  data: { component_type: 2, custom_id },
});
const submit = (custom_id: string, value: string, user = ADA) => ({
  ...about(user),
  type: 5,
  data: {
    custom_id,
    components: [{ type: 18, id: 1, component: { type: 4, id: 2, custom_id: "why", value } }],
  },
});
const said = (content: unknown) => ({ type: 4, data: { content, flags: 64 } });
const viewOf = async (id: string) => deps.incident(id).view();

describe("what comes from Discord", () => {
  it("is answered a ping with a pong", async ({ expect }) => {
    const { send } = await discord();
    expect(await send({ ...about(ADA), type: 1 })).toEqual({ type: 1 });
  });

  it("is told from what does not: a signature that is wrong is a 401, as Discord asks", async ({
    expect,
  }) => {
    const { post, signatureOf } = await discord();
    const id = await declared();
    const body = JSON.stringify(press(pressing(id, "acknowledge")));
    const another = await discord();
    const wrong = [
      "0".repeat(128),
      "",
      "no hex",
      await signatureOf(`${body} `),
      await another.signatureOf(body),
    ];
    for (const signature of wrong) expect((await post(body, signature)).status).toBe(401);
    expect(await viewOf(id)).toMatchObject({ acknowledgedBy: null });
  });
});

describe("a button in Discord", () => {
  it("is done once, in the name of whoever pressed it", async ({ expect }) => {
    const { send } = await discord();
    const id = await declared();
    expect(await send(press(pressing(id, "acknowledge")))).toMatchObject(said("Acknowledged."));
    const after = await viewOf(id);
    expect(after).toMatchObject({ acknowledgedBy: "Ada Lovelace" });
    expect(await send(press(pressing(id, "acknowledge")))).toMatchObject(said("Acknowledged."));
    expect((await viewOf(id))?.seq).toBe(after?.seq);
  });

  it("is nothing in the hands of a viewer, or of whoever nobody knows", async ({ expect }) => {
    const { send } = await discord();
    const id = await declared();
    const button = pressing(id, "resolve");
    expect(await send(press(button, VIEWER))).toMatchObject(
      said(expect.stringContaining("needs the role responder")),
    );
    expect(await send(press(button, NOBODY))).toMatchObject(
      said(expect.stringContaining(`discord: ${NOBODY}`)),
    );
    expect((await viewOf(id))?.status).not.toBe("resolved");
  });

  it("may be another's, and is then taken without a word", async ({ expect }) => {
    const { send } = await discord();
    expect(await send(press("another-bots-button"))).toEqual({ type: 6 });
    expect(await send({ ...about(ADA), type: 2, data: { name: "help" } })).toEqual({ type: 6 });
  });

  it("that resolves while a rule fires asks for a reason, and is done once with it", async ({
    expect,
  }) => {
    const { send } = await discord();
    const id = await firing();
    const asked = await send(press(pressing(id, "resolve")));
    if (asked.type !== 9) return expect.unreachable(JSON.stringify(asked));
    expect(asked.data.components[0]?.description).toContain("still firing: errors");
    const { custom_id } = asked.data;
    expect(await send(submit(custom_id, " "))).toMatchObject(
      said(expect.stringContaining("still firing: errors")),
    );
    expect(await send(submit(custom_id, "x", VIEWER))).toMatchObject(
      said(expect.stringContaining("needs the role responder")),
    );
    expect((await viewOf(id))?.status).not.toBe("resolved");
    expect(await send(submit(custom_id, "the rule is wrong"))).toMatchObject(said("Resolved."));
    const after = await viewOf(id);
    const rows = await deps.incident(id).journal(0);
    expect(rows.find(({ type }) => type === "incident.resolved")).toMatchObject({
      data: { why: "the rule is wrong" },
      actor: { kind: "person", id: "Ada Lovelace" },
    });
    expect(await send(submit(custom_id, "the rule is wrong"))).toMatchObject(said("Resolved."));
    expect((await viewOf(id))?.seq).toBe(after?.seq);
  });
});
