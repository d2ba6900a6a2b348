import { describe, it } from "vitest";
import { deliver, type DeliveryContext } from "../../../src/notify/deliver.ts";
import { MESSAGE } from "../../contract/channel.ts";
import { withReceiver } from "../../support/http-receiver.ts";

const KEY = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

const context = (secrets: Readonly<Record<string, string>>): DeliveryContext => ({
  channels: [
    { id: "on-call", kind: "webhook", secret: "CHANNEL_ON_CALL" },
    { id: "pigeons", kind: "pigeon", secret: "CHANNEL_PIGEONS" },
  ],
  secret: (name) => secrets[name],
  fetch,
  atMs: Date.now(),
});

describe("delivering a message", () => {
  it("sends it to the address in the channel's secret", async ({ expect }) => {
    await withReceiver(
      () => ({ status: 202 }),
      async (receiver) => {
        const CHANNEL_ON_CALL = JSON.stringify({ url: receiver.url, secret: KEY });
        const result = await deliver("on-call", MESSAGE, context({ CHANNEL_ON_CALL }));
        expect(result).toEqual({ ok: true, value: { status: 202 } });
        expect(receiver.received[0]?.headers["webhook-id"]).toBe(MESSAGE.deliveryId);
      },
    );
  });

  it.for([
    ["a channel that is gone", "nobody", {}, "site.yaml has no channel nobody"],
    ["a kind that does not exist", "pigeons", {}, "channel pigeons is of kind pigeon, which"],
    ["a missing secret", "on-call", {}, "the secret CHANNEL_ON_CALL is not set"],
    ["text", "on-call", { CHANNEL_ON_CALL: "whsec_x" }, "the secret CHANNEL_ON_CALL is not JSON"],
    ["a wrong field", "on-call", { CHANNEL_ON_CALL: '{"url":"whsec_x"}' }, "secret:"],
  ] as const)("refuses %s, without showing it", async ([, id, secrets, said], { expect }) => {
    const result = await deliver(id, MESSAGE, context(secrets));
    expect(result).toMatchObject({ ok: false, error: { class: "refuse" } });
    expect(JSON.stringify(result)).toContain(said);
    expect(JSON.stringify(result)).not.toContain("whsec_x");
  });
});
