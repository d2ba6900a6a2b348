/** What every channel owes, whatever it speaks: run this suite for each one in the registry. */
import { describe, it } from "vitest";
import type { Channel, ChannelMessage, ChannelReach } from "../../src/notify/channel.ts";
import { deadUrl, withReceiver, type Received } from "../support/http-receiver.ts";

export type ChannelUnderTest = {
  readonly channel: Channel;
  /** A right secret that points at `url`, and every text in it that must never be shown. */
  readonly secretFor: (url: string) => { readonly secret: unknown; readonly hidden: string[] };
  /** How a receiver tells that two requests are the same message. */
  readonly messageIdOf: (request: Received) => unknown;
  /** The answers that mean it was taken; any 2xx where the body is not read. */
  readonly accepted?: readonly { readonly status: number; readonly body: string }[];
};

export const MESSAGE: ChannelMessage = {
  deliveryId: "dlv_1f0c5a8e2b7d4c6f9a3e1d0b2c",
  incidentId: "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
  instance: "shop.test",
  message: "opened",
  subject: "SEV-1 opened: Complete service outage (Shop)",
  body: "Status: Investigating\nImpact: not known yet\nUmlauts: äöü 🔥",
  title: "Complete service outage",
  news: "Opened by playbook outage.",
  severity: "SEV-1",
  state: "open",
  link: "https://shop.test/_firebreak/api/v1/incidents/inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
  people: [],
  buttons: [],
  ref: null,
  triedAtMs: null,
};

const reach = (over: Partial<ChannelReach> = {}): ChannelReach => ({
  fetch: (url, init) => fetch(url, init),
  atMs: Date.now(),
  deadlineMs: 5_000,
  ...over,
});

const ANY_2XX = [200, 202, 204].map((status) => ({ status, body: "private words" }));

export function channelContract({
  channel,
  secretFor,
  messageIdOf,
  accepted = ANY_2XX,
}: ChannelUnderTest): void {
  describe(`the channel contract, kept by ${channel.id}`, () => {
    const answeredWith = (
      status: number,
      headers: Readonly<Record<string, string>> = {},
      body = "private words",
    ) =>
      withReceiver(
        () => ({ status, headers, body }),
        async (receiver) => {
          const { secret, hidden } = secretFor(receiver.url);
          const result = await channel.deliver(MESSAGE, secret, reach());
          return { result, hidden: [...hidden, receiver.url, "private words"], receiver };
        },
      );

    it.for(accepted)("has a receipt for $status", async ({ status, body }, { expect }) => {
      const { result, receiver } = await answeredWith(status, {}, body);
      expect(result).toMatchObject({ ok: true, value: { status } });
      expect(receiver.received).toHaveLength(1);
    });

    it.for([429, 500, 502, 503, 504])(
      "tries once at %i and leaves the retry to the engine",
      async (status, { expect }) => {
        const { result, receiver } = await answeredWith(status);
        expect(result).toMatchObject({ ok: false, error: { class: "retry" } });
        expect(receiver.received).toHaveLength(1);
      },
    );

    it.for([400, 401, 403, 404, 410, 413, 422])("refuses at %i", async (status, { expect }) => {
      const { result } = await answeredWith(status);
      expect(result).toMatchObject({ ok: false, error: { class: "refuse" } });
    });

    it("never follows a redirect", async ({ expect }) => {
      await withReceiver(
        () => ({ status: 200 }),
        async (elsewhere) => {
          const { result } = await answeredWith(307, { location: elsewhere.url });
          expect(result).toMatchObject({ ok: false, error: { class: "refuse" } });
          expect(elsewhere.received).toHaveLength(0);
        },
      );
    });

    it("may be tried again when nobody listens", async ({ expect }) => {
      const { secret } = secretFor(await deadUrl());
      const result = await channel.deliver(MESSAGE, secret, reach());
      expect(result).toMatchObject({ ok: false, error: { class: "retry" } });
    });

    it("gives up at its deadline", async ({ expect }) => {
      await withReceiver(
        () => null,
        async (receiver) => {
          const { secret } = secretFor(receiver.url);
          const result = await channel.deliver(MESSAGE, secret, reach({ deadlineMs: 50 }));
          expect(result).toMatchObject({ ok: false, error: { class: "retry" } });
          expect(receiver.received).toHaveLength(1);
        },
      );
    });

    it("is the same message when it is sent again later", async ({ expect }) => {
      await withReceiver(
        () => ({ status: 500 }),
        async (receiver) => {
          const { secret } = secretFor(receiver.url);
          await channel.deliver(MESSAGE, secret, reach());
          await channel.deliver(MESSAGE, secret, reach({ atMs: Date.now() + 60_000 }));
          const [first, second] = receiver.received.map(messageIdOf);
          expect(first).toBeDefined();
          expect(second).toEqual(first);
        },
      );
    });

    it.for([null, "text", 7, {}, { url: "http://hidden.example/token" }])(
      "refuses the secret %j and calls nobody",
      async (secret, { expect }) => {
        let calls = 0;
        const fetch = async () => {
          calls += 1;
          return new Response();
        };
        const result = await channel.deliver(MESSAGE, secret, reach({ fetch }));
        expect(result).toMatchObject({ ok: false, error: { class: "refuse" } });
        expect(JSON.stringify(result)).not.toContain("hidden.example");
        expect(calls).toBe(0);
      },
    );

    it("shows neither its destination, nor its key, nor the answer's body", async ({ expect }) => {
      for (const status of [200, 302, 404, 410, 429, 500]) {
        const { result, hidden } = await answeredWith(status);
        for (const text of hidden) expect(JSON.stringify(result)).not.toContain(text);
      }
      const { secret, hidden } = secretFor(await deadUrl());
      const result = await channel.deliver(MESSAGE, secret, reach());
      for (const text of hidden) expect(JSON.stringify(result)).not.toContain(text);
    });
  });
}
