/** Whatever an incident is called and however much was done about it, every channel says it within its vendor's limits, in whole characters. */
import fc from "fast-check";
import { describe, it } from "vitest";
import { discord as discordStandIn } from "../../../dev/vendors/discord.ts";
import { githubIssues as githubStandIn } from "../../../dev/vendors/github-issues.ts";
import { goalert as goalertStandIn } from "../../../dev/vendors/goalert.ts";
import { jira as jiraStandIn } from "../../../dev/vendors/jira.ts";
import { linear as linearStandIn } from "../../../dev/vendors/linear.ts";
import { opsgenie as opsgenieStandIn } from "../../../dev/vendors/opsgenie.ts";
import { pagerduty as pagerdutyStandIn } from "../../../dev/vendors/pagerduty.ts";
import { resend as resendStandIn } from "../../../dev/vendors/resend.ts";
import { slack as slackStandIn } from "../../../dev/vendors/slack.ts";
import { teams as teamsStandIn } from "../../../dev/vendors/teams.ts";
import type { Vendor } from "../../../dev/vendors/vendor.ts";
import { evolve } from "../../../src/incidents/evolve.ts";
import { initialState } from "../../../src/incidents/state.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { buttonsOf } from "../../../src/notify/buttons.ts";
import type { ChannelMessage } from "../../../src/notify/channel.ts";
import { channels, type ChannelKind } from "../../../src/notify/registry.ts";
import { BODY_CHARS_MAX, SUBJECT_CHARS_MAX } from "../../../src/notify/templates.ts";
import { clip } from "../../../src/shared/clip.ts";
import { leaseId } from "../../../src/shared/ids.ts";
import { aJournal, INCIDENT_ID, OPENED_AT_MS } from "../../support/journal.ts";
import { PAGER, toldLast } from "../../support/messages.ts";
import { PEOPLE } from "./vendor.ts";

const AT = "http://127.0.0.1";
const bot = { token: `MTE5.${"t0ken-of_the.test".repeat(4)}`, channel: "1100000000000000001" };
const workspace = { token: "xoxb-0123456789-of-the-test", channel: "C0123456789" };
const hook = "T0123/B0123/h00kt0ken";
const jira = { email: "bot@shop.test", token: "ATATT3xFfGF0_t0ken-of.the=test", project: "OPS" };
const issues = { token: "github_pat_0123456789abcdef", repository: "shop/tickets" };
const team = {
  apiKey: `lin_api_${"k3y".repeat(10)}`,
  team: "3f2b8c1a-5d4e-4f6a-8b7c-9d0e1f2a3b4c",
};
const opsgenieKey = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";
const routingKey = "R0123456789ABCDEFGHIJKLMNOPQRSTU";
const resendKey = "re_0123456789ofthetest";

/** Those whose vendor has limits; a webhook of ours has none, and what is mailed by Cloudflare has Resend's form. */
const FACED: readonly (readonly [ChannelKind, () => Vendor, unknown])[] = [
  [
    "discord",
    () => discordStandIn(bot),
    { ...bot, public_key: "ab".repeat(32), api: `${AT}/api/v10` },
  ],
  ["github-issues", () => githubStandIn(issues), { ...issues, api: AT }],
  ["goalert", () => goalertStandIn({ token: opsgenieKey }), { token: opsgenieKey, api: AT }],
  ["jira", () => jiraStandIn({ ...jira, issueType: "Task" }), { ...jira, site: AT }],
  ["linear", () => linearStandIn(team), { api_key: team.apiKey, team: team.team, api: AT }],
  [
    "opsgenie",
    () => opsgenieStandIn({ apiKey: opsgenieKey }),
    { api_key: opsgenieKey, api: `${AT}/v2/alerts` },
  ],
  ["pagerduty", () => pagerdutyStandIn({ routingKey }), { routing_key: routingKey, api: AT }],
  [
    "resend",
    () => resendStandIn({ apiKey: resendKey }),
    { api_key: resendKey, from: "firebreak@shop.test", to: ["on-call@shop.test"], api: AT },
  ],
  [
    "slack",
    () => slackStandIn({ ...workspace, webhook: hook }),
    {
      ...workspace,
      signing_secret: "8f742231b10e8888abcd99yyyzzz85a5",
      call: "here",
      war_room: {},
      api: `${AT}/api`,
    },
  ],
  [
    "slack-webhook",
    () => slackStandIn({ ...workspace, webhook: hook }),
    { url: `${AT}/services/${hook}` },
  ],
  ["teams", () => teamsStandIn({ sig: "s1g" }), { url: `${AT}/workflows/w?sig=s1g` }],
];

/** Short or as long as may be, of characters that take two units, that a vendor escapes, or that mean something to it. */
const text = (charsMax: number, ...others: readonly string[]) =>
  fc
    .tuple(
      fc.array(
        fc.constantFrom("🔥", "👩‍🚒", "é", "<@U0000000EVE>", "&", "`", "x", "*_~", "](", ...others),
        { minLength: 1, maxLength: 12 },
      ),
      fc.boolean(),
    )
    .map(([parts, isLong]) => {
      const once = parts.join("");
      return `a${isLong ? once.repeat(Math.ceil(charsMax / once.length)) : once}`;
    });
/** As long as a message may be, whatever the templates make of it. */
const longest = fc.record({
  subject: text(SUBJECT_CHARS_MAX).map((one) => clip(one, SUBJECT_CHARS_MAX)),
  body: text(BODY_CHARS_MAX, "\n", "\n\n- ").map((one) => clip(one, BODY_CHARS_MAX)),
  news: text(2_000).map((one) => clip(one, 2_000)),
  title: text(200).map((one) => clip(one, 200)),
});
type Lived = {
  readonly title: string;
  readonly why: string;
  readonly internal: string;
  readonly leases: number;
  readonly people: readonly string[];
};
const lived: fc.Arbitrary<Lived> = fc.record({
  title: text(400, "\n"),
  why: text(2_000, "\n"),
  internal: fc.constantFrom(PAGER.internal, `{title} {impact} ${"🔥".repeat(400)}`),
  leases: fc.nat(40),
  people: fc.subarray(PEOPLE.map(({ id }) => id)),
});

const deliveryOf = (n: number): string => `dlv_${String(n).repeat(26)}`;

/** Two messages of an incident with so many mitigations: its first, and what came of the last of them. */
function messagesOf({ title, why, internal, leases, people }: Lived) {
  const site = { ...PAGER, internal };
  const opened = aJournal({ title });
  let journal = opened;
  for (let n = 1; n <= leases; n += 1) {
    const id = leaseId(INCIDENT_ID, "maintenance-mode", n);
    journal = journal
      .write("lease.proposed", {
        leaseId: id,
        step: "maintenance-mode",
        attempt: n,
        actuator: "maintenance-mode",
        with: {},
        leaseMs: 900_000,
        release: "staged",
        mode: "auto",
        shadow: false,
        siteWide: true,
        masks: [],
      })
      .write("lease.applying", { leaseId: id, expiresAtMs: OPENED_AT_MS + 900_000 });
  }
  const noted = journal.write("incident.escalated", { because: "person", why });
  return [opened, noted].map((one, place): ChannelMessage => {
    const [draft] = toldLast(one, site);
    const view = viewOf(one.rows.reduce(evolve, initialState), null);
    if (draft === undefined || view === null) throw new Error("it is told");
    return {
      ...draft,
      deliveryId: deliveryOf(place),
      incidentId: view.id,
      instance: view.instance,
      title: view.title,
      people,
      bundled: [],
      buttons: buttonsOf(view),
      ref: null,
      triedAtMs: null,
    };
  });
}

describe("whatever an incident is", () => {
  it("its messages have whole characters and a length", ({ expect }) => {
    fc.assert(
      fc.property(lived, (given) => {
        for (const { subject, body, news } of messagesOf(given)) {
          for (const one of [subject, body, news]) expect(one.isWellFormed()).toBe(true);
          expect(subject.length).toBeLessThanOrEqual(SUBJECT_CHARS_MAX);
          expect(body.length).toBeLessThanOrEqual(BODY_CHARS_MAX);
        }
      }),
      { numRuns: 50, endOnFailure: true },
    );
  });

  it.for(FACED)("%s takes what is said of it", async ([kind, vendor, secret], { expect }) => {
    await fc.assert(
      fc.asyncProperty(lived, longest, async (given, long) => {
        const standIn = vendor();
        let ref: string | null = null;
        const messages = messagesOf(given);
        const others = messages.map((one, n) => ({
          ...one,
          ...long,
          deliveryId: deliveryOf(n + 2),
        }));
        for (const message of [...messages, ...others]) {
          const sent = await channels[kind].deliver({ ...message, ref }, secret, {
            fetch: async (url, init) => {
              const asked: unknown = JSON.parse(typeof init.body === "string" ? init.body : "null");
              expect(isWhole(asked)).toBe(true);
              return standIn.fetch(new Request(url, init));
            },
            people: PEOPLE,
            atMs: OPENED_AT_MS,
            deadlineMs: 5_000,
          });
          expect(sent).toMatchObject({ ok: true });
          ref = sent.ok ? (sent.value.ref ?? null) : null;
        }
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });

  it("no kind of channel with a stand-in is left out", ({ expect }) => {
    const unlimited: readonly string[] = ["cloudflare-email", "webhook"];
    expect([...FACED.map(([kind]): string => kind), ...unlimited].toSorted()).toEqual(
      Object.keys(channels).toSorted(),
    );
  });
});

/** No half of a pair anywhere in it. */
function isWhole(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (typeof value !== "object" || value === null) return true;
  return Object.entries(value).every(([key, one]) => isWhole(key) && isWhole(one));
}
