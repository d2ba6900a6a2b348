/** Mail by Cloudflare's binding, as the runtime's own stand-in takes it, and what its failures are for. */
import { env } from "cloudflare:workers";
import { describe, it } from "vitest";
import type { Env } from "../../../src/env.ts";
import type { ChannelMessage, ChannelReach, Mail } from "../../../src/notify/channel.ts";
import { cloudflareEmail } from "../../../src/notify/channels/cloudflare-email.ts";

const SECRET = {
  from: "firebreak@shop.example",
  to: ["on-call@shop.example", "boss@shop.example"],
};
const MESSAGE: ChannelMessage = {
  deliveryId: "dlv_1f0c5a8e2b7d4c6f9a3e1d0b2c",
  incidentId: "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
  instance: "shop.test",
  message: "opened",
  subject: "SEV-1 opened: Complete service outage (Shop)",
  body: "Status: Investigating\nUmlauts: äöü 🔥",
  title: "Complete service outage",
  news: "Opened.",
  severity: "SEV-1",
  state: "open",
  link: null,
  people: [],
  buttons: [],
  ref: null,
  triedAtMs: null,
};

const deliver = (mail: ChannelReach["mail"], secret: unknown = SECRET, deadlineMs = 5_000) =>
  cloudflareEmail.deliver(MESSAGE, secret, { fetch, mail, atMs: Date.now(), deadlineMs });

const coded = (code: string) => async (): Promise<never> => {
  throw Object.assign(new Error(`${SECRET.from} may not write to ${SECRET.to[0]}`), { code });
};

describe("a mail", () => {
  it("is one to all, in plain text, in the incident's conversation", async ({ expect }) => {
    const sent: Mail[] = [];
    const result = await deliver(async (mail) => sent.push(mail));
    expect(result).toEqual({ ok: true, value: { status: 200 } });
    expect(sent).toEqual([
      {
        from: { email: SECRET.from, name: "Firebreak" },
        to: SECRET.to,
        subject: MESSAGE.subject,
        text: MESSAGE.body,
        headers: { References: "<inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4@firebreak.invalid>" },
      },
    ]);
  });

  it("is taken by the runtime's binding, from whom it lets write", async ({ expect }) => {
    const { EMAIL: binding } = env as Env;
    if (binding === undefined) return expect.unreachable();
    const mail = ({ to, ...rest }: Mail) => binding.send({ ...rest, to: [...to] });
    expect(await deliver(mail)).toMatchObject({ ok: true });
    const stranger = await deliver(mail, { ...SECRET, from: "mallory@shop.example" });
    expect(stranger.ok).toBe(false);
    expect(JSON.stringify(stranger)).not.toContain("mallory");
  });

  it.for([
    ["E_RATE_LIMIT_EXCEEDED", "retry"],
    ["E_DELIVERY_FAILED", "retry"],
    ["E_SENDER_NOT_VERIFIED", "refuse"],
    ["E_RECIPIENT_SUPPRESSED", "refuse"],
    ["E_DAILY_LIMIT_EXCEEDED", "refuse"],
    ["no code", "unknown_outcome"],
  ] as const)(
    "that fails with %s is for %s, and shows no address",
    async ([code, meant], { expect }) => {
      const failed = await deliver(coded(code));
      expect(failed).toMatchObject({ ok: false, error: { class: meant } });
      expect(JSON.stringify(failed)).not.toContain("@");
    },
  );

  it("gives up at its deadline", async ({ expect }) => {
    const never = (): Promise<never> => new Promise(() => {});
    expect(await deliver(never, SECRET, 20)).toMatchObject({ error: { class: "retry" } });
  });

  it("is nothing without the binding, or with a secret that is none", async ({ expect }) => {
    let calls = 0;
    const mail = async (): Promise<void> => void (calls += 1);
    const refused = [
      await deliver(undefined),
      await deliver(mail, {}),
      await deliver(mail, { ...SECRET, to: [] }),
      await deliver(mail, { ...SECRET, to: Array(51).fill("a@shop.example") }),
    ];
    for (const one of refused) expect(one).toMatchObject({ error: { class: "refuse" } });
    expect(calls).toBe(0);
  });
});
