import { describe, it } from "vitest";
import { statusPage } from "../../../src/status-page/page.ts";
import { atomFeed } from "../../../src/status-page/feed.ts";
import { incidentsJson, statusJson, summaryJson } from "../../../src/status-page/statuspage.ts";
import {
  statusView,
  type PublicIncident,
  type PublicWindow,
  type StatusView,
} from "../../../src/status-page/view.ts";

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const page = {
  id: "shop.production",
  url: "https://shop.example/_firebreak/status",
  updatedAtMs: NOW_MS,
};
const open: PublicIncident = {
  id: "inc_1",
  component: "website",
  impact: "critical",
  status: "identified",
  startedAtMs: NOW_MS - 60_000,
  resolvedAtMs: null,
  updates: [
    { id: "inc_1-1", atMs: NOW_MS - 60_000, status: "investigating", message: "We look at it." },
    { id: "inc_1-2", atMs: NOW_MS - 30_000, status: "identified", message: "We are on it." },
  ],
};
const past: PublicIncident = {
  ...open,
  id: "inc_0",
  status: "resolved",
  resolvedAtMs: NOW_MS - 1,
  updates: [{ id: "inc_0-9", atMs: NOW_MS - 1, status: "resolved", message: "It is over." }],
};

const worded = (message: string): PublicIncident => ({
  ...open,
  updates: [{ id: "inc_1-1", atMs: NOW_MS, status: "identified", message }],
});

const window: PublicWindow = {
  id: "win_1",
  kind: "maintenance",
  message: "We move the database <now>.",
  startsAtMs: NOW_MS + 60_000,
  endsAtMs: NOW_MS + 120_000,
};

const view = (
  incidents: readonly PublicIncident[] | null,
  windows: readonly PublicWindow[] = [],
  nowMs = NOW_MS,
) =>
  statusView(
    { title: "Shop & <Co>", components: [{ id: "website", name: "Website" }] },
    {
      look: {
        lastTickAtMs: NOW_MS - 5_000,
        cadenceMs: 100_000,
        seesProduction: true,
        probesFail: false,
      },
      incidents,
      isListed: incidents !== null,
      pastSinceMs: incidents === null ? null : NOW_MS - 90 * 86_400_000,
      windows,
    },
    nowMs,
  );

const rendered = async (seen: StatusView, nowMs = NOW_MS, elsewhere: readonly string[] = []) =>
  String(
    await statusPage(seen, {
      nowMs,
      jsonUrl: "/summary.json",
      feedUrl: "/history.atom",
      elsewhere,
    }),
  );

describe("where else it is said", () => {
  it("is linked, with the reason, where the site has a page there", async ({ expect }) => {
    const page = await rendered(view([]), NOW_MS, ["https://shop.statuspage.io/?a=1&b=2"]);
    expect(page).toContain("while Cloudflare is down");
    expect(page).toContain(
      '<a href="https://shop.statuspage.io/?a=1&amp;b=2">shop.statuspage.io</a>',
    );
  });

  it("is not spoken of where there is none", async ({ expect }) => {
    expect(await rendered(view([]))).not.toContain("Cloudflare");
  });
});

describe("a planned window", () => {
  it.for([
    ["before", NOW_MS, "none", "operational", "scheduled", "Scheduled."],
    [
      "during",
      window.startsAtMs,
      "maintenance",
      "under_maintenance",
      "in_progress",
      "In progress.",
    ],
  ] as const)(
    "%s it, is shown and no incident",
    async ([, nowMs, indicator, component, status, words], { expect }) => {
      const seen = view([], [window], nowMs);
      expect(summaryJson(seen, page)).toMatchObject({
        status: { indicator },
        components: [{ status: component }],
        incidents: [],
        scheduled_maintenances: [
          { id: "win_1", status, impact: "maintenance", scheduled_for: "2026-11-23T12:01:00.000Z" },
        ],
      });
      const html = await rendered(seen, nowMs);
      expect(html).toContain(words);
      expect(html).toContain("We move the database &lt;now&gt;.");
    },
  );

  it("does not hide an incident that is open meanwhile", ({ expect }) => {
    expect(view([open], [window], window.startsAtMs)).toMatchObject({
      indicator: "critical",
      components: [{ status: "major_outage" }],
    });
  });

  it("is gone when it has ended", ({ expect }) => {
    expect(view([], [window], window.endsAtMs)).toMatchObject({ indicator: "none", windows: [] });
  });
});

describe("JSON", () => {
  it("has the shape that Statuspage's clients read", ({ expect }) => {
    expect(statusJson(view([]), page)).toEqual({
      page: {
        id: "shop.production",
        name: "Shop & <Co>",
        url: "https://shop.example/_firebreak/status",
        time_zone: "Etc/UTC",
        updated_at: "2026-11-23T12:00:00.000Z",
      },
      status: { indicator: "none", description: "All systems operational" },
    });
    expect(summaryJson(view([open, past]), page)).toMatchObject({
      status: { indicator: "critical" },
      components: [{ id: "website", name: "Website", status: "major_outage", position: 1 }],
      incidents: [
        {
          id: "inc_1",
          name: "Website: major outage",
          status: "identified",
          impact: "critical",
          created_at: "2026-11-23T11:59:00.000Z",
          resolved_at: null,
          shortlink: "https://shop.example/_firebreak/status#inc_1",
          updated_at: "2026-11-23T11:59:30.000Z",
          components: [{ id: "website" }],
          incident_updates: [
            { status: "identified", body: "We are on it.", incident_id: "inc_1" },
            { status: "investigating", body: "We look at it.", incident_id: "inc_1" },
          ],
        },
      ],
      scheduled_maintenances: [],
    });
  });

  it("lists past incidents beside open ones", ({ expect }) => {
    const { incidents } = incidentsJson(view([open, past]), page);
    expect(incidents.map(({ id, status }) => [id, status])).toEqual([
      ["inc_1", "identified"],
      ["inc_0", "resolved"],
    ]);
  });
});

describe("HTML", () => {
  const render = (incidents: readonly PublicIncident[] | null) => rendered(view(incidents));

  it("says in words what colours repeat, and escapes what it is given", async ({ expect }) => {
    const html = await render([worded("<img src=x onerror=alert(1)>"), past]);
    expect(html).toContain("Major outage");
    expect(html).toContain("Shop &amp; &lt;Co&gt; status");
    expect(html).toContain("&lt;img src=x");
    expect(html).not.toContain("<img");
    expect(html).toContain('<time datetime="2026-11-23T11:59:00.000Z">2026-11-23 11:59 UTC</time>');
    expect(html).toContain("Last checked 5s ago");
  });

  it("has no empty headings when there is nothing to tell", async ({ expect }) => {
    const html = await render([]);
    expect(html).toContain("All systems operational");
    expect(html).not.toMatch(/Open incidents|Planned maintenance/);
    expect(html).toMatch(/None that we know of in the last\s+90 days/);
  });

  it("never says that nothing happened when nobody could tell", async ({ expect }) => {
    const html = await render(null);
    expect(html).toContain("Not known at the moment.");
    expect(html).not.toContain("None that we know of");
  });

  it("says so when incidents are read from memory", async ({ expect }) => {
    const html = await rendered({ ...view([open]), isListed: false });
    expect(html).toContain("this is the last we know");
    expect(html).toContain("We are on it.");
  });

  it("tells the newest update first", async ({ expect }) => {
    const html = await render([open]);
    expect(html.indexOf("We are on it.")).toBeLessThan(html.indexOf("We look at it."));
  });
});

describe("feed", () => {
  const feed = async (incidents: readonly PublicIncident[]) =>
    String(await atomFeed(view(incidents), page, `${page.url}/history.atom`));

  it("has an entry per incident, renewed by its last update", async ({ expect }) => {
    const atom = await feed([open, past]);
    expect(atom).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?>\s+<feed/);
    expect(atom.match(/<entry>/g)).toHaveLength(2);
    expect(atom).toContain("<id>https://shop.example/_firebreak/status#inc_1</id>");
    expect(atom).toContain("<updated>2026-11-23T11:59:30.000Z</updated>");
    expect(atom).toContain("Identified: We are on it.");
    expect(atom).toContain("<title>Shop &amp; &lt;Co&gt; status</title>");
  });

  it("is legal XML whatever people write", async ({ expect }) => {
    const atom = await feed([worded("a\u0000b\u001b[1m \ud800 <b>& ]]>")]);
    expect(atom).toContain("a\ufffdb\ufffd[1m \ufffd &lt;b&gt;&amp; ]]&gt;");
  });
});
