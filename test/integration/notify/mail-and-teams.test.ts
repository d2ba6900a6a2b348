/** E-mail by Resend and cards by a Teams workflow, against their stand-ins: what is said arrives, fits, and fails by its class. */
import { describe, it } from "vitest";
import { resend as resendStandIn } from "../../../dev/vendors/resend.ts";
import { teams as teamsStandIn } from "../../../dev/vendors/teams.ts";
import type { Channel } from "../../../src/notify/channel.ts";
import { resend } from "../../../src/notify/channels/resend.ts";
import { teams } from "../../../src/notify/channels/teams.ts";
import { channelContract, MESSAGE } from "../../contract/channel.ts";
import { facing, FAULTS, IMPATIENT_MS } from "./vendor.ts";

const API_KEY = "re_0123456789ofthetest";
const SIG = "s1gnatureOfTheWorkflow";
const FROM = "firebreak@shop.test";
const TO = ["on-call@shop.test", "boss@shop.test"];

channelContract({
  channel: resend,
  secretFor: (url) => ({
    secret: { api_key: API_KEY, from: FROM, to: TO, api: url },
    hidden: [API_KEY, FROM, ...TO],
  }),
  messageIdOf: ({ headers }) => headers["idempotency-key"],
});
channelContract({
  channel: teams,
  secretFor: (url) => ({
    secret: { url: `${url}/workflows/w/triggers/manual?sig=${SIG}` },
    hidden: [SIG],
  }),
  messageIdOf: ({ body }) => body,
});

const mail = (over: object = {}) =>
  facing(resend as Channel, resendStandIn({ apiKey: API_KEY }), (url) => ({
    api_key: API_KEY,
    from: FROM,
    to: TO,
    api: url,
    ...over,
  }));
const workflow = (sig = SIG) =>
  facing(teams as Channel, teamsStandIn({ sig: SIG }), (url) => ({
    url: `${url}/workflows/w/triggers/manual/paths/invoke?api-version=1&sig=${sig}`,
  }));

const LONG = { subject: "é🔥".repeat(99), body: `${"ü🔥 ".repeat(1_990)}\n\n"last"` };

describe("a message by e-mail", () => {
  it("is one mail, with all that is known in plain text", async ({ expect }) => {
    const world = await mail();
    expect(await world.send()).toEqual({ ok: true, value: { status: 200 } });
    expect((await world.seen()).state).toEqual({
      mails: [
        {
          from: `Firebreak <${FROM}>`,
          to: TO,
          subject: MESSAGE.subject,
          text: MESSAGE.body,
          headers: { References: `<${MESSAGE.incidentId}@firebreak.invalid>` },
        },
      ],
    });
  });

  it("is not sent twice when its answer was lost, and another is another", async ({ expect }) => {
    const world = await mail();
    await world.fail({ kind: "duplicate" });
    expect(await world.send()).toMatchObject({ ok: false, error: { class: "retry" } });
    expect(await world.send({ triedAtMs: 0 })).toMatchObject({ ok: true });
    await world.send({ deliveryId: "dlv_other" });
    expect((await world.seen()).state).toMatchObject({ mails: [{}, {}] });
  });

  it("waits while the attempt before is still at it", async ({ expect }) => {
    const world = await mail();
    await world.send();
    const sent = await world.send({ body: "another" });
    expect(sent).toMatchObject({ ok: false, error: { class: "retry" } });
  });

  it("is refused with another key, which is not shown", async ({ expect }) => {
    const world = await mail({ api_key: "re_another0123456789" });
    const sent = await world.send();
    expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
    expect(JSON.stringify(sent)).not.toContain("re_another");
  });
});

describe("a message in Teams", () => {
  it("is a card with every line, and a way to the incident", async ({ expect }) => {
    const world = await workflow();
    expect(await world.send()).toEqual({ ok: true, value: { status: 202 } });
    const card = JSON.stringify((await world.seen()).state);
    for (const text of [MESSAGE.subject, ...MESSAGE.body.split("\n"), MESSAGE.link ?? ""]) {
      expect(card).toContain(text);
    }
  });

  it("fits, whatever is in it", async ({ expect }) => {
    const world = await workflow();
    const lines = Array.from({ length: 400 }, (_, n) => `line "${n}" 🔥`).join("\n");
    expect(await world.send(LONG)).toMatchObject({ ok: true });
    expect(await world.send({ body: lines, link: null })).toMatchObject({ ok: true });
  });

  it("is refused by a workflow whose key changed", async ({ expect }) => {
    const world = await workflow("an0ther");
    const sent = await world.send();
    expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
    expect(JSON.stringify(sent)).not.toContain("an0ther");
  });
});

describe.for([
  ["Resend", mail],
  ["Teams", workflow],
] as const)("%s", ([, face]) => {
  it.for(FAULTS)("failing with %s is for %s", async ([kind, meant], { expect }) => {
    const world = await face();
    await world.fail({ kind });
    const sent = await world.send({}, IMPATIENT_MS);
    expect(sent).toMatchObject({ ok: false, error: { class: meant } });
  });
});
