/** What is pressed in Slack is done once, by the person whom `site.yaml` knows, and by nobody else. */
import { beforeEach, describe, it, onTestFinished, vi } from "vitest";
import { slackChat } from "../../../src/notify/chats/slack.ts";
import { writePressed, type Deed } from "../../../src/notify/buttons.ts";
import { incidentId } from "../../../src/http/schemas.ts";
import { utf8 } from "../../../src/guard/write-journal/bytes.ts";
import captured from "../../fixtures/webhooks/slack-block-actions.json";
import { client, declared, deps, firing } from "./api.ts";

/** Slack's own example: https://docs.slack.dev/authentication/verifying-requests-from-slack */
const SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5";
const EXAMPLE = {
  seconds: 1_531_420_618,
  body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
  signature: "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
};
const SECRET = {
  token: "xoxb-0123456789-of-the-test",
  channel: "C0123456789",
  signing_secret: SIGNING_SECRET,
};
/** The same app in another workspace. */
const ELSEWHERE = { ...SECRET, token: "xoxb-0123456789-elsewhere", channel: "C9876543210" };
const ADA = "U0000000ADA";
const VIEWER = "U0000000VIC";

const whispers: unknown[] = [];
const tokens: unknown[] = [];
/** What was asked of whom, in views; and Slack's word for why it cannot be. */
const views: unknown[] = [];
let viewsRefused: string | null = null;
beforeEach(() => {
  whispers.length = 0;
  tokens.length = 0;
  views.length = 0;
  viewsRefused = null;
  vi.spyOn(globalThis, "fetch").mockImplementation(async (to, init) => {
    const request = new Request(to, init);
    tokens.push(request.headers.get("authorization"));
    if (!request.url.endsWith("/views.open")) {
      whispers.push(await request.json());
      return Response.json({ ok: true });
    }
    views.push(await request.json());
    return Response.json(viewsRefused === null ? { ok: true } : { ok: false, error: viewsRefused });
  });
  onTestFinished(() => {
    vi.restoreAllMocks();
  });
});

const ask = client({
  bundle: {
    ...deps.bundle,
    site: {
      ...deps.bundle.site,
      channels: [
        { id: "pager", kind: "webhook", secret: "CHANNEL_PAGER", severities: ["SEV-1"] },
        { id: "chat", kind: "slack", secret: "CHANNEL_CHAT", severities: ["SEV-1", "SEV-2"] },
        { id: "more", kind: "slack", secret: "CHANNEL_MORE", severities: ["SEV-1", "SEV-2"] },
      ],
      people: [
        { id: "ada", name: "Ada Lovelace", role: "responder", slack: ADA },
        { id: "vic", name: "Vic", role: "viewer", slack: VIEWER },
        { id: "olga", name: "Olga", role: "admin", slack: captured.user.id },
      ],
    },
  },
  channelSecret: (name) => {
    if (name === "CHANNEL_CHAT") return JSON.stringify(SECRET);
    return name === "CHANNEL_MORE" ? JSON.stringify(ELSEWHERE) : undefined;
  },
});

async function signatureOf(
  seconds: number,
  body: string,
  secret = SIGNING_SECRET,
): Promise<string> {
  const usage = { name: "HMAC", hash: "SHA-256" };
  const bytes = new TextEncoder();
  const key = await crypto.subtle.importKey("raw", bytes.encode(secret), usage, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", key, bytes.encode(`v0:${seconds}:${body}`));
  const hex = [...new Uint8Array(mac)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `v0=${hex.join("")}`;
}

/** As Slack sends it. */
const payload = (value: string, user = ADA, channel = SECRET.channel) => ({
  type: "block_actions",
  user: { id: user, username: "ada", name: "ada", team_id: "T0123" },
  api_app_id: "A0123",
  container: { type: "message", message_ts: "1767326126.896109", channel_id: channel },
  trigger_id: "10215325802133.3901254001572.2e2548aa",
  team: { id: "T0123", domain: "shop" },
  channel: { id: channel, name: "incidents" },
  response_url: "https://hooks.slack.com/actions/T0123/1/x",
  actions: [{ type: "button", block_id: "P0z+f", action_id: "x", value, action_ts: "1.2" }],
});

async function send(given: unknown, seconds = Math.floor(Date.now() / 1_000), secret?: string) {
  const body = new URLSearchParams({ payload: JSON.stringify(given) }).toString();
  return ask("/chat/slack", {
    as: null,
    body,
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "x-slack-request-timestamp": String(seconds),
      "x-slack-signature": await signatureOf(seconds, body, secret),
    },
  });
}

const pressing = (id: string, deed: Deed, mitigation: string | null = null): string =>
  writePressed({
    deed,
    mitigation,
    incidentId: incidentId.parse(id),
    deliveryId: `dlv_${"1".repeat(26)}`,
  });
const viewOf = async (id: string) => deps.incident(id).view();
const texts = (): readonly unknown[] => whispers.map((one) => (one as { text: unknown }).text);

describe("a button in Slack", () => {
  it("is done in the name of whoever pressed it", async ({ expect }) => {
    const id = await declared();
    const answers = [
      await send(payload(pressing(id, "acknowledge"))),
      await send(payload(pressing(id, "take_lead"))),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await answers[0]?.text()).toBe("");
    expect(await viewOf(id)).toMatchObject({
      acknowledgedBy: "Ada Lovelace",
      lead: "Ada Lovelace",
    });
    expect(whispers).toEqual([
      { channel: SECRET.channel, user: ADA, text: "Acknowledged." },
      { channel: SECRET.channel, user: ADA, text: "The lead is taken." },
    ]);
  });

  it("is one command however often it is pressed", async ({ expect }) => {
    const id = await declared();
    await send(payload(pressing(id, "take_lead")));
    const seq = (await viewOf(id))?.seq;
    await send(payload(pressing(id, "take_lead")));
    expect((await viewOf(id))?.seq).toBe(seq);
  });

  it("says it where it was pressed, with the token of that channel", async ({ expect }) => {
    const id = await declared();
    await send(payload(pressing(id, "acknowledge"), ADA, ELSEWHERE.channel));
    await send(payload(pressing(id, "take_lead"), ADA, "C0000WARROOM"));
    expect(whispers).toMatchObject([
      { channel: ELSEWHERE.channel, text: "Acknowledged." },
      { channel: "C0000WARROOM", text: "The lead is taken." },
    ]);
    expect(tokens).toEqual([`Bearer ${ELSEWHERE.token}`, `Bearer ${SECRET.token}`]);
  });

  it("is refused only as long as there is a reason, and done once", async ({ expect }) => {
    const id = await declared();
    const button = payload(pressing(id, "acknowledge"));
    await ask(`/api/v1/incidents/${id}/resolve`, { body: { why: "over" } });
    await send(button);
    await ask(`/api/v1/incidents/${id}/reopen`, { body: { why: "again" } });
    await send(button);
    const seq = (await viewOf(id))?.seq;
    await send(button);
    expect(texts()).toEqual([
      "Nothing was done: the incident is resolved.",
      "Acknowledged.",
      "Acknowledged.",
    ]);
    expect(await viewOf(id)).toMatchObject({ acknowledgedBy: "Ada Lovelace", seq });
  });

  it("says why nothing was done", async ({ expect }) => {
    const id = await declared();
    await send(payload(pressing(id, "revert", `lse_${"2".repeat(26)}`)));
    await send(payload(pressing("inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4", "resolve")));
    expect(texts()).toEqual([
      expect.stringMatching(/^Nothing was done: this incident has no mitigation lse_/),
      "Nothing was done: there is no such incident.",
    ]);
  });

  it("agrees to nothing that takes several people: one of them could knock at both doors", async ({
    expect,
  }) => {
    const incident = await declared();
    const body = { actuator: "restore-in-place", with: {}, why: "corrupt", incident };
    expect((await ask("/api/v1/mitigations", { body })).status).toBe(200);
    const [act] = (await viewOf(incident))?.acts ?? [];
    await send(payload(pressing(incident, "approve", act?.id)));
    expect(texts()).toEqual([
      expect.stringMatching(
        /^Nothing was done: it takes several people.*mitigations\/act_\w+\/approve\)\.$/,
      ),
    ]);
    const rows = await deps.incident(incident).journal(0);
    expect(rows.map(({ type }) => type)).not.toContain("act.approved");
  });

  it("is nothing in the hands of a viewer, or of whoever nobody knows", async ({ expect }) => {
    const id = await declared();
    await send(payload(pressing(id, "resolve"), VIEWER));
    await send(payload(pressing(id, "resolve"), "U0000000EVE"));
    expect(texts()).toEqual([
      expect.stringContaining("needs the role responder"),
      expect.stringContaining("slack: U0000000EVE"),
    ]);
    expect((await viewOf(id))?.status).not.toBe("resolved");
  });

  it("may be a link, and other things may be pressed: they are taken, and nothing is said", async ({
    expect,
  }) => {
    const others = [payload(""), { type: "view_closed" }, "no payload"];
    for (const other of others) expect((await send(other)).status).toBe(200);
    expect(whispers).toEqual([]);
  });
});

describe("resolving while a rule fires", () => {
  const WHY = "the rule is wrong; nobody is harmed";
  const RESOLVE = (id: string) => payload(pressing(id, "resolve"));
  const opened = () => views[0] as { trigger_id: string; view: { private_metadata: string } };
  /** As Slack sends what was written into the view that it was asked to open. */
  const submitted = (why: string | null, user = ADA) => ({
    type: "view_submission",
    team: { id: "T0123", domain: "shop" },
    user: { id: user, username: "ada", name: "ada", team_id: "T0123" },
    api_app_id: "A0123",
    trigger_id: "10215325802134.3901254001572.2e2548ab",
    view: {
      id: "V0123",
      type: "modal",
      ...opened().view,
      state: { values: { why: { why: { type: "plain_text_input", value: why } } } },
      hash: "156772938.1827394",
    },
    response_urls: [],
  });

  it("asks whoever pressed for a reason, and is done once with it, in their name", async ({
    expect,
  }) => {
    const id = await firing();
    await send(RESOLVE(id));
    expect((await viewOf(id))?.status).not.toBe("resolved");
    expect(whispers).toEqual([]);
    expect(views).toMatchObject([
      { trigger_id: RESOLVE(id).trigger_id, view: { type: "modal", callback_id: "firebreak_why" } },
    ]);
    expect(JSON.stringify(views)).toContain("still firing: errors");
    const answer = await send(submitted(WHY));
    // Anything else than nothing would keep the view open.
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    const after = await viewOf(id);
    expect(after?.status).toBe("resolved");
    const rows = await deps.incident(id).journal(0);
    expect(rows.find(({ type }) => type === "incident.resolved")).toMatchObject({
      data: { why: WHY },
      actor: { kind: "person", id: "Ada Lovelace" },
    });
    // Slack sends again what it got no answer to, and somebody else may have pressed as well.
    await send(submitted(WHY));
    await send(submitted("another reason", captured.user.id));
    expect((await viewOf(id))?.seq).toBe(after?.seq);
    expect(texts()).toEqual(["Resolved.", "Resolved.", "Resolved."]);
    expect(whispers).toMatchObject([{ channel: SECRET.channel, user: ADA }, {}, {}]);
  });

  it("says how, where Slack will not ask", async ({ expect }) => {
    const id = await firing();
    viewsRefused = "expired_trigger_id";
    await send(RESOLVE(id));
    expect(texts()).toEqual([
      `Nothing was done: still firing: errors; say why it is resolved all the same (POST /_firebreak/api/v1/incidents/${id}/resolve).`,
    ]);
  });

  it("is nothing without words, from a viewer, or in words that Slack did not sign", async ({
    expect,
  }) => {
    const id = await firing();
    await send(RESOLVE(id));
    await send(submitted("  "));
    await send(submitted(null));
    await send(submitted(WHY, VIEWER));
    const now = Math.floor(Date.now() / 1_000);
    expect((await send(submitted(WHY), now, "0".repeat(32))).status).toBe(401);
    expect(texts()).toEqual([
      expect.stringContaining("still firing: errors"),
      expect.stringContaining("still firing: errors"),
      expect.stringContaining("needs the role responder"),
    ]);
    expect(views).toHaveLength(1);
    expect((await viewOf(id))?.status).not.toBe("resolved");
  });
});

describe("a press as Slack documents it", () => {
  it("is another's button, and one of ours in its place is done", async ({ expect }) => {
    expect((await send(captured)).status).toBe(200);
    expect(whispers).toEqual([]);
    const id = await declared();
    const [action] = captured.actions;
    await send({ ...captured, actions: [{ ...action, value: pressing(id, "acknowledge") }] });
    expect(await viewOf(id)).toMatchObject({ acknowledgedBy: "Olga" });
    expect(whispers).toEqual([
      { channel: captured.channel.id, user: captured.user.id, text: "Acknowledged." },
    ]);
  });
});

describe("what does not come from Slack", () => {
  it("is refused", async ({ expect }) => {
    const id = await declared();
    const now = Math.floor(Date.now() / 1_000);
    const refused = [
      await send(payload(pressing(id, "resolve")), now, "0".repeat(32)),
      await send(payload(pressing(id, "resolve")), now - 301),
      await send(payload(pressing(id, "resolve")), now + 301),
      await ask("/chat/slack", { as: "admin", body: "payload=%7B%7D" }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([401, 401, 401, 401]);
    expect((await viewOf(id))?.status).not.toBe("resolved");
    expect((await ask("/chat/irc", { as: null, body: "x" })).status).toBe(404);
  });

  it("is told from what does by Slack's own example", async ({ expect }) => {
    const { seconds, body, signature } = EXAMPLE;
    const isFrom = (text: string, atMs: number, given = signature) =>
      slackChat.isFrom(
        {
          headers: new Headers({
            "x-slack-request-timestamp": String(seconds),
            "x-slack-signature": given,
          }),
          bytes: utf8(text),
        },
        SECRET,
        atMs,
      );
    const atMs = seconds * 1_000;
    expect(await isFrom(body, atMs)).toBe(true);
    expect(await isFrom(`${body}&`, atMs)).toBe(false);
    expect(await isFrom(body, atMs, signature.replace("v0", "v1"))).toBe(false);
    expect(await isFrom(body, atMs + 301_000)).toBe(false);
  });
});
