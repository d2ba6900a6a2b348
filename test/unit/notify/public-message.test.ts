/** What goes to the public elsewhere is what our own page says, in the site's words, and nothing else of the incident. */
import { describe, it } from "vitest";
import { viewOf } from "../../../src/incidents/view-of.ts";
import type { IncidentView } from "../../../src/incidents/view.ts";
import { publicMessage } from "../../../src/notify/public-message.ts";
import { templates, USUAL_TEMPLATES } from "../../../src/playbooks/site-templates.ts";
import { privateIn } from "../../../src/shared/private.ts";
import { publicWordsOf } from "../../../src/status-page/words.ts";
import { publish } from "../../../src/status-page/view.ts";
import { DOWN, Drive, SMALL_OUTAGE, WELL } from "../../support/incident.ts";

const SITE = {
  title: "Pitchey",
  components: [
    { id: "website", name: "Website" },
    { id: "search", name: "Search" },
  ],
  templates: USUAL_TEMPLATES,
  update_every: "30m",
  public_channels: [
    {
      id: "page",
      kind: "statuspage",
      secret: "CHANNEL_PAGE",
      components: { website: "w1", search: "s1" },
    },
  ],
};
const PAGE_URL = "https://status.pitchey.com";
const INTERNAL = ["mallory@evil.test", "10.0.0.7", "secret-title"];

/** A life whose title, notes and people are for us alone. */
const lived = (publishes = true): Drive => {
  const spec = publishes
    ? {
        ...SMALL_OUTAGE,
        title: `secret-title ${INTERNAL[0]}`,
        communicate: { status_page: { component: "website", message: "The site is down." } },
      }
    : SMALL_OUTAGE;
  const incident = new Drive(spec).open();
  incident.do("note", { text: `it comes from ${INTERNAL[1]}` }, "ada@shop.example");
  incident.see(DOWN);
  incident.settle();
  incident.do("take_lead", { lead: "ada@shop.example" });
  return incident;
};
const seen = (incident: Drive): IncidentView => {
  const view = viewOf(incident.state, null);
  if (view === null) throw new Error("it was opened");
  return view;
};
const told = (incident: Drive, site = SITE) =>
  publicMessage({ view: seen(incident), ref: null }, "page", site, PAGE_URL);

describe("what the public is told elsewhere", () => {
  it("is what our page says, and nothing that is for us alone", ({ expect }) => {
    const incident = lived();
    const message = told(incident);
    expect(message.updates).toEqual(publish(seen(incident), publicWordsOf(SITE))?.updates);
    const words = JSON.stringify([message.title, message.updates, message.mail]);
    for (const text of [...INTERNAL, "ada"]) expect(words).not.toContain(text);
    expect(privateIn(message.mail.body)).toBeNull();
  });

  it("touches what the channel has a name for", ({ expect }) => {
    expect(told(lived()).components).toEqual(["w1"]);
    expect(told(lived(false)).components).toEqual(["w1", "s1"]);
  });

  it("is the mission's mail to customers, word for word", ({ expect }) => {
    expect(told(lived()).mail).toEqual({
      subject: "Pitchey Service Disruption",
      body: [
        "We are currently experiencing technical difficulties with our platform.",
        "Our team is working to restore service as quickly as possible.",
        "Updates will be provided every 30 minutes at https://status.pitchey.com",
      ].join("\n"),
    });
  });

  it("is in the site's own words where it has some", ({ expect }) => {
    const own = templates.parse({
      external: { monitoring: "{component} is being watched.", impact: null },
      customer: {
        subject: "{component} of {site}: {trouble}",
        body: "{message} Met by {impact}, for {duration}. News {next_update}: {status_page}",
      },
    });
    const message = told(lived(), { ...SITE, templates: own });
    expect(message.updates.at(-1)?.message).toBe("Website is being watched.");
    expect(message.mail).toEqual({
      subject: "Website of Pitchey: major outage",
      body: `The site is down. Met by up to 100 % of requests, for under a minute. News by 08:30 UTC: ${PAGE_URL}`,
    });
  });

  it("leaves no placeholder and nothing unknown, in any state", ({ expect }) => {
    const incident = lived();
    for (const next of [DOWN, WELL, WELL]) {
      incident.after(60_000).see(next);
      incident.settle();
      const { title, mail, updates } = told(incident);
      for (const text of [title, mail.subject, mail.body, ...updates.map((one) => one.message)]) {
        expect(text).not.toMatch(/[[\]{}]|undefined|null|NaN/);
        expect(text).not.toBe("");
      }
    }
  });

  it("ends when our page tells of it no more", ({ expect }) => {
    const incident = lived(false);
    expect(told(incident)).toMatchObject({
      status: "monitoring",
      title: "Pitchey: partial outage",
    });
    incident.do("release_all", { why: "not needed" });
    incident.settle();
    expect(publish(seen(incident))).toBeNull();
    const message = told(incident);
    expect(message.status).toBe("resolved");
    expect(message.updates.at(-1)).toMatchObject({ status: "resolved", message: "It is over." });
    expect(told(incident).updates).toEqual(message.updates);
  });
});
