/** Status pages at vendors, and mail to customers, against their stand-ins. */
import { describe, it } from "vitest";
import { z } from "zod";
import { betterStack as betterStackStandIn } from "../../../dev/vendors/better-stack.ts";
import { instatus as instatusStandIn } from "../../../dev/vendors/instatus.ts";
import { resendBroadcasts } from "../../../dev/vendors/resend-broadcasts.ts";
import { statuspage as statuspageStandIn } from "../../../dev/vendors/statuspage.ts";
import { betterStack } from "../../../src/notify/public/better-stack.ts";
import { instatus } from "../../../src/notify/public/instatus.ts";
import { resendBroadcast } from "../../../src/notify/public/resend-broadcast.ts";
import { statuspage } from "../../../src/notify/public/statuspage.ts";
import {
  END,
  facingPublic,
  FIRST,
  PUBLIC,
  publicChannelContract,
  refIn,
  SECOND,
} from "../../contract/public-channel.ts";

const KEY = "k3y-of-the-test-0123456789";
const COMPONENTS = ["5551", "5552"];

const update = z.object({ message: z.string() });
const STATUSPAGE = {
  channel: statuspage,
  vendor: () => statuspageStandIn({ apiKey: KEY, page: "kctbh9vrtdwd", components: COMPONENTS }),
  secretFor: (url: string) => ({
    secret: { api_key: KEY, page: "kctbh9vrtdwd", api: url },
    hidden: [KEY, "kctbh9vrtdwd"],
  }),
};
const statuspageState = z.object({
  incidents: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      status: z.string(),
      impact: z.string(),
      incident_updates: z.array(z.object({ body: z.string() })),
    }),
  ),
  components: z.record(z.string(), z.string()),
});
publicChannelContract({
  ...STATUSPAGE,
  read: (state) =>
    statuspageState.parse(state).incidents.map(({ status, incident_updates: updates }) => ({
      said: updates.map(({ body }) => body).toReversed(),
      isOver: status === "resolved",
    })),
});

const INSTATUS = {
  channel: instatus,
  vendor: () => instatusStandIn({ apiKey: KEY, page: "ckf01fvnxywz60a35", components: COMPONENTS }),
  secretFor: (url: string) => ({
    secret: { api_key: KEY, page: "ckf01fvnxywz60a35", api: url },
    hidden: [KEY, "ckf01fvnxywz60a35"],
  }),
};
const instatusState = z.object({
  incidents: z.array(z.object({ id: z.string(), status: z.string(), updates: z.array(update) })),
  components: z.record(z.string(), z.string()),
});
publicChannelContract({
  ...INSTATUS,
  read: (state) =>
    instatusState.parse(state).incidents.map(({ status, updates }) => ({
      said: updates.map(({ message }) => message),
      isOver: status === "RESOLVED",
    })),
});

publicChannelContract({
  channel: betterStack,
  vendor: () => betterStackStandIn({ token: KEY, page: "123456", components: COMPONENTS }),
  secretFor: (url) => ({ secret: { token: KEY, page: "123456", api: url }, hidden: [KEY] }),
  read: (state) =>
    z
      .object({
        reports: z.array(
          z.object({
            affected: z.array(z.object({ status: z.string() })),
            updates: z.array(update),
          }),
        ),
      })
      .parse(state)
      .reports.map(({ affected, updates }) => ({
        said: updates.map(({ message }) => message),
        isOver: affected.every(({ status }) => status === "resolved"),
      })),
});

const RESEND = {
  api_key: "re_0123456789ofthetest",
  from: "news@shop.test",
  segment: "78261eea-8f8b-4381-83c6-79fa7120f1cf",
};
const MAIL = {
  channel: resendBroadcast,
  vendor: () => resendBroadcasts({ apiKey: RESEND.api_key, segment: RESEND.segment }),
  secretFor: (url: string) => ({
    secret: { ...RESEND, api: url },
    hidden: [RESEND.api_key, RESEND.from, RESEND.segment],
  }),
};
const mails = z.object({
  broadcasts: z.array(
    z.object({
      name: z.string(),
      subject: z.string(),
      text: z.string(),
      send: z.boolean().optional(),
    }),
  ),
});
publicChannelContract({
  ...MAIL,
  // Two mails of one incident: that it began, and that it is over.
  said: (messages) =>
    messages.includes(END.message) ? [PUBLIC.mail.body, END.message] : [PUBLIC.mail.body],
  read: (state) => {
    const all = mails.parse(state).broadcasts;
    const incidents = Map.groupBy(all, ({ name }) => name.split(" ")[1] ?? "");
    return [...incidents.values()].map((of) => ({
      said: of.map(({ text }) => text.split("\n\nUnsubscribe")[0] ?? ""),
      isOver: of.some(({ name }) => name.endsWith(" end")),
    }));
  },
});

describe("mail to customers", () => {
  const BACK = { ...FIRST, id: `${FIRST.id}9`, atMs: END.atMs + 1_000, message: "It is back." };
  const OVER = { ...END, id: `${END.id}9`, atMs: END.atMs + 2_000, message: "Now it is over." };

  it("says that what was over has come back, and ends again, each once", async ({ expect }) => {
    const world = await facingPublic(MAIL);
    const again = { status: "investigating", updates: [FIRST, END, BACK] } as const;
    const over = { status: "resolved", updates: [FIRST, END, BACK, OVER] } as const;
    for (const message of [
      {},
      { status: "resolved", updates: [FIRST, END] } as const,
      again,
      again,
      over,
      over,
    ]) {
      expect(await world.send(message)).toMatchObject({ ok: true });
    }
    const all = mails.parse(await world.state()).broadcasts;
    expect(all.map(({ text }) => text.split("\n\nUnsubscribe")[0])).toEqual([
      PUBLIC.mail.body,
      END.message,
      PUBLIC.mail.body,
      OVER.message,
    ]);
  });
});

describe.for([
  [
    "statuspage",
    STATUSPAGE,
    statuspageState,
    ["major_outage", "degraded_performance", "operational"],
  ],
  ["instatus", INSTATUS, instatusState, ["MAJOROUTAGE", "DEGRADEDPERFORMANCE", "OPERATIONAL"]],
] as const)("a component at %s", ([, under, shape, [major, minor, well]]) => {
  const componentsIn = async (world: Awaited<ReturnType<typeof facingPublic>>) =>
    shape.parse(await world.state()).components;

  it("stands as the incident does, and is well again after it", async ({ expect }) => {
    const world = await facingPublic(under);
    const ref = refIn(await world.send());
    expect(await componentsIn(world)).toEqual({ 5551: major, 5552: well });
    await world.send({ ref, impact: "minor", title: "Website: degraded performance" });
    expect(await componentsIn(world)).toEqual({ 5551: minor, 5552: well });
    await world.send({ ref, impact: "minor", status: "resolved", updates: [FIRST, END] });
    expect(await componentsIn(world)).toEqual({ 5551: well, 5552: well });
  });

  it("is not well while another incident there says otherwise", async ({ expect }) => {
    const world = await facingPublic(under);
    const other = { incidentId: `inc_${"9".repeat(26)}`, components: COMPONENTS } as const;
    await world.send({ ...other, updates: [{ ...FIRST, id: "other-1" }] });
    const ref = refIn(await world.send());
    await world.send({ ref, status: "resolved", updates: [FIRST, END] });
    expect(await componentsIn(world)).toEqual({ 5551: major, 5552: major });
  });

  it("that does not exist there is refused", async ({ expect }) => {
    const world = await facingPublic(under);
    const sent = await world.send({ components: ["nowhere"] });
    expect(sent).toMatchObject({ ok: false, error: { class: "refuse" } });
  });

  it("is told of again when somebody deleted the incident", async ({ expect }) => {
    const world = await facingPublic(under);
    const ref = refIn(await world.send());
    await world.set({ keep: [] });
    const sent = await world.send({ ref, status: "identified", updates: [FIRST, SECOND] });
    expect(sent).toMatchObject({ ok: true });
    expect(shape.parse(await world.state()).incidents).toHaveLength(1);
  });
});

describe("mail to customers", () => {
  const sentIn = async (world: Awaited<ReturnType<typeof facingPublic>>) =>
    mails.parse(await world.state()).broadcasts;

  it("is a draft for a person to send, in the site's words, with a way out", async ({ expect }) => {
    const world = await facingPublic(MAIL);
    // Nobody is mailed by it, and its receipt does not say so, now or when it is asked again.
    for (const status of [201, 200]) {
      expect(await world.send()).toEqual({
        ok: true,
        value: { status, ref: expect.any(String) },
      });
    }
    const [draft] = await sentIn(world);
    expect(draft).toMatchObject({ subject: "Shop Service Disruption" });
    expect(draft?.send).toBeUndefined();
    expect(draft?.text).toContain("We are working on it.\n\nUnsubscribe: {{{");
  });

  it("is sent where the site says so", async ({ expect }) => {
    const world = await facingPublic({
      ...MAIL,
      secretFor: (url) => ({ ...MAIL.secretFor(url), secret: { ...RESEND, send: true, api: url } }),
    });
    for (const status of [201, 200]) {
      expect(await world.send()).toMatchObject({ value: { status, mailed: "begin" } });
    }
    expect(await sentIn(world)).toMatchObject([{ send: true }]);
    const over = { status: "resolved" as const, updates: [FIRST, END] as const };
    expect(await world.send(over)).toMatchObject({ value: { status: 201, mailed: "end" } });
  });

  it("is about nothing small, and ends nothing that it did not begin", async ({ expect }) => {
    const world = await facingPublic(MAIL);
    await world.send({ impact: "minor" });
    await world.send({ impact: "minor", status: "resolved", updates: [FIRST, END] });
    expect(await sentIn(world)).toEqual([]);
  });
});
