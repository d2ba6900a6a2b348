/** What comes from Discord is told by its signature, and read and answered as Discord says. */
import { describe, it } from "vitest";
import { utf8 } from "../../../src/guard/write-journal/bytes.ts";
import { writePressed, type Pressed } from "../../../src/notify/buttons.ts";
import { discordChat } from "../../../src/notify/chats/discord.ts";

const AT_MS = 1_800_000_000_000;
const PRESSED: Pressed = {
  deed: "acknowledge",
  mitigation: null,
  incidentId: "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
  deliveryId: `dlv_${"b".repeat(26)}`,
};
const hex = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString("hex");

/** An application that signs as Discord does. */
async function anApplication() {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("a pair of keys");
  const raw = await crypto.subtle.exportKey("raw", pair.publicKey);
  if (!(raw instanceof ArrayBuffer)) throw new Error("bytes");
  const publicKey = hex(raw);
  const signed = async (body: string, seconds = String(AT_MS / 1_000)) => ({
    headers: new Headers({
      "x-signature-timestamp": seconds,
      "x-signature-ed25519": hex(
        await crypto.subtle.sign("Ed25519", pair.privateKey, utf8(seconds + body)),
      ),
    }),
    bytes: utf8(body),
  });
  const secret = {
    token: "t".repeat(60),
    channel: "1100000000000000001",
    public_key: publicKey,
  };
  return { secret, signed };
}

describe("an interaction", () => {
  it("is Discord's when its key signed it, just now", async ({ expect }) => {
    const { secret, signed } = await anApplication();
    const given = await signed("{}");
    expect(await discordChat.isFrom(given, secret, AT_MS)).toBe(true);
    expect(await discordChat.isFrom(given, secret, AT_MS + 301_000)).toBe(false);
    expect(await discordChat.isFrom({ ...given, bytes: utf8("{} ") }, secret, AT_MS)).toBe(false);
    expect(await discordChat.isFrom(given, { ...secret, public_key: undefined }, AT_MS)).toBe(
      false,
    );
    const { secret: another } = await anApplication();
    expect(await discordChat.isFrom(given, another, AT_MS)).toBe(false);
    const bare = { headers: new Headers(), bytes: utf8("{}") };
    expect(await discordChat.isFrom(bare, secret, AT_MS)).toBe(false);
  });

  const heard = (body: unknown) =>
    discordChat.read({ headers: new Headers(), bytes: utf8(JSON.stringify(body)) });

  it("is a ping, a press, or nothing of ours", ({ expect }) => {
    const data = { component_type: 2, custom_id: writePressed(PRESSED) };
    const user = { id: "1100000000000000009", username: "ada" };
    expect(heard({ type: 1, id: "1", token: "x" })).toBe("ping");
    expect(heard({ type: 3, channel_id: "11", member: { user }, data })).toEqual({
      member: user.id,
      room: "11",
      pressed: PRESSED,
      why: null,
      trigger: null,
    });
    expect(heard({ type: 3, user, data })).toEqual({
      member: user.id,
      room: null,
      pressed: PRESSED,
      why: null,
      trigger: null,
    });
    expect(heard({ type: 3, user, data: { custom_id: "other" } })).toMatchObject({ pressed: null });
    expect(heard({ type: 2, user, data: { name: "help" } })).toBeNull();
    expect(heard({ type: 3, data })).toBeNull();
  });

  it("is answered in the same breath, to whoever pressed alone", ({ expect }) => {
    const body = (of: Parameters<typeof discordChat.answer>[0]): unknown =>
      JSON.parse(discordChat.answer(of).body);
    expect(body("ping")).toEqual({ type: 1 });
    expect(body({ kind: "said", text: null })).toEqual({ type: 6 });
    expect(body({ kind: "said", text: "Acknowledged." })).toEqual({
      type: 4,
      data: { content: "Acknowledged.", flags: 64, allowed_mentions: { parse: [] } },
    });
  });
});
