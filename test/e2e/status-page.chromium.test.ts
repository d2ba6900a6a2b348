/** The public status page in each state, in a real browser, and its JSON as a client of Statuspage reads it. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { Statuspage } from "statuspage.io";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { z } from "zod";
import { startStack, type Stack } from "../../dev/stack.ts";
import { statusPage } from "../../src/status-page/page.ts";
import { statusView } from "../../src/status-page/view.ts";
import { createStatusPage } from "../../src/platform/status-page.ts";
import { launchBrowser } from "../../dev/chromium.ts";
import { barriersOf, legibilityOf, open } from "./browser.ts";
import { eventually } from "./eventually.ts";

/** Kept after the run, for people to look at. */
const SCREENSHOTS = join(tmpdir(), "firebreak-screenshots");
const LOOKS = [
  { look: "light", options: { colorScheme: "light" } },
  // At night.
  { look: "phone", options: { colorScheme: "dark", viewport: { width: 390, height: 844 } } },
] as const;
const NARROWEST = {
  look: "narrow",
  options: { colorScheme: "dark", viewport: { width: 320, height: 640 } },
} as const;

const GRAVITIES = [
  {
    severity: "SEV-3",
    headline: "Degraded performance",
    component: "degraded_performance",
    impact: "minor",
    indicator: "minor",
  },
  {
    severity: "SEV-1",
    headline: "Major outage",
    component: "major_outage",
    impact: "critical",
    indicator: "critical",
  },
] as const;
const GRAVE = GRAVITIES.flatMap((gravity) => LOOKS.map((seen) => ({ ...gravity, ...seen })));

const MESSAGE = "Some orders take long; none is lost.";

let stack: Stack;
let browser: Browser;
let client: Statuspage;
/** The page's own hostname, by which it calls itself wherever it is asked. */
let own: string;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
  own = `http://status.localhost:${new URL(stack.info.guard).port}`;
  client = new Statuspage("pitchey");
  client.setApiUrl(stack.info.status);
  const often = { param: "cadence_calm", value: "5s", reason: "people watch", for: "1h" };
  await api("playbooks/site/overrides", often, "PUT");
});

afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
});

describe("all is well, and a window is planned", () => {
  beforeAll(async () => {
    const startsAt = new Date(Date.now() + 3_600_000).toISOString();
    const endsAt = new Date(Date.now() + 7_200_000).toISOString();
    const message = "We move the database.";
    await api("maintenance-windows", {
      kind: "maintenance",
      startsAt,
      endsAt,
      message,
      reason: "move",
    });
    await eventually(async () => (await summary()).scheduled_maintenances.length === 1);
    await eventually(async () => (await summary()).status.indicator === "none");
  });

  it.for(LOOKS)("is green and says when, $look", async ({ look, options }, { expect }) => {
    const text = await looked("planned", look, options, expect);
    expect(text).toContain("All systems operational");
    expect(text).toContain("We move the database.");
    expect(text).toContain("None that we know of in the last 90 days.");
  });

  it("is read by clients of Statuspage", async ({ expect }) => {
    expect(await client.api.getStatus()).toMatchObject({ status: { indicator: "none" } });
    expect(await client.api.getComponents()).toMatchObject({
      components: [{ id: "website", status: "operational", position: 1 }],
    });
    expect(await client.api.scheduledMaintenances.getUpcoming()).toMatchObject({
      scheduled_maintenances: [{ status: "scheduled", impact: "maintenance" }],
    });
    // The reader that we watch Cloudflare with.
    const ours = createStatusPage([stack.info.status]);
    expect(await ours.status(AbortSignal.timeout(5_000))).toMatchObject({
      ok: true,
      value: { indicator: "none" },
    });
  });
});

describe("a window that has begun", () => {
  let id: string;

  beforeAll(async () => {
    const endsAt = new Date(Date.now() + 600_000).toISOString();
    const window = { kind: "read-only", startsAt: new Date().toISOString(), endsAt };
    const given = { ...window, message: "Reading works all the while.", reason: "vacuum" };
    ({ id } = created.parse(await api("maintenance-windows", given)));
    await eventually(async () => (await summary()).status.indicator === "maintenance");
  });
  afterAll(async () => {
    await api(`maintenance-windows/${id}`, undefined, "DELETE");
    await eventually(async () => (await summary()).status.indicator === "none");
  });

  it.for(LOOKS)(
    "says that it goes on, and until when, $look",
    async ({ look, options }, { expect }) => {
      const text = await looked("maintenance", look, options, expect);
      expect(text).toContain("Planned maintenance in progress");
      expect(text).toMatch(/Website\s+Under maintenance/);
      expect(text).toContain("In progress. Reading works all the while.");
    },
  );

  it("is read by clients of Statuspage", async ({ expect }) => {
    expect(await client.api.getSummary()).toMatchObject({
      status: { indicator: "maintenance" },
      components: [{ status: "under_maintenance" }],
    });
    // The package asks for what is to come where it means what goes on.
    const active = `${stack.info.status}/api/v2/scheduled-maintenances/active.json`;
    expect(await (await fetch(active)).json()).toMatchObject({
      scheduled_maintenances: [{ id, status: "in_progress" }],
    });
  });
});

describe("an incident that people speak of", () => {
  let id: string;

  beforeAll(async () => {
    const body = { title: "Disk of db-7.internal is full", severity: "SEV-2", scope: "orders" };
    ({ id } = created.parse(await api("incidents", body)));
    await api(`incidents/${id}/updates`, { message: MESSAGE, component: "website" });
    const found = "We found the reason, and mend it.";
    await api(`incidents/${id}/updates`, { message: found, status: "identified" });
    await eventually(async () => (await summary()).incidents[0]?.incident_updates.length === 2);
  });

  it.for([...LOOKS, NARROWEST])(
    "is told newest first, $look",
    async ({ look, options }, { expect }) => {
      const text = await looked("incident", look, options, expect);
      expect(text).toContain("Partial outage");
      expect(text).toMatch(/We found the reason.*Some orders take long/s);
      expect(text).not.toContain("db-7");
    },
  );

  it("is read by clients of Statuspage", async ({ expect }) => {
    const told = {
      incidents: [
        {
          id,
          status: "identified",
          impact: "major",
          components: [{ id: "website" }],
          incident_updates: [{ status: "identified" }, { status: "investigating", body: MESSAGE }],
        },
      ],
    };
    expect(await client.api.getSummary()).toMatchObject({
      ...told,
      status: { indicator: "major" },
      components: [{ status: "partial_outage" }],
    });
    expect(await client.api.incidents.getAll()).toMatchObject(told);
    expect(await client.api.incidents.getUnresolved()).toMatchObject(told);
  });

  it("is in the feed, which is well-formed", async ({ expect }) => {
    const feed = await (await fetch(`${stack.info.status}/history.atom`)).text();
    const context = await browser.newContext();
    const page = await context.newPage();
    const read = await page.evaluate((text) => {
      const atom = new DOMParser().parseFromString(text, "application/xml");
      const texts = (selector: string) =>
        [...atom.querySelectorAll(selector)].map(({ textContent }) => textContent);
      return {
        error: atom.querySelector("parsererror")?.textContent ?? null,
        namespace: atom.documentElement.namespaceURI,
        titles: texts("entry > title"),
        ids: texts("feed > id, entry > id"),
        contents: texts("entry > content"),
      };
    }, feed);
    await context.close();
    expect(read).toMatchObject({
      error: null,
      namespace: "http://www.w3.org/2005/Atom",
      titles: ["Website: partial outage"],
      ids: [own, `${own}#${id}`],
      contents: [expect.stringContaining(MESSAGE)],
    });
  });

  it.for(GRAVE)("is $headline as $severity, $look", async (grave, { expect }) => {
    const { severity, headline, component, impact, indicator, look, options } = grave;
    if (look === "light") await api(`incidents/${id}/severity`, { severity, why: "seen again" });
    await eventually(async () => (await summary()).status.indicator === indicator);
    const text = await looked(indicator, look, options, expect);
    expect(text).toContain(headline);
    expect(text).toContain(`Website: ${headline.toLowerCase()}`);
    expect(await client.api.getSummary()).toMatchObject({
      status: { indicator },
      components: [{ status: component }],
      incidents: [{ impact }],
    });
  });

  it.for(LOOKS)(
    "is watched while it is still open, $look",
    async ({ look, options }, { expect }) => {
      if (look === "light") {
        const message = "It works again; we keep an eye on it.";
        await api(`incidents/${id}/updates`, { message, status: "monitoring" });
        await eventually(async () => (await summary()).incidents[0]?.status === "monitoring");
      }
      const text = await looked("monitoring", look, options, expect);
      expect(text).toContain("Major outage");
      expect(text).toMatch(/Monitoring\. It works again.*Identified\./s);
      expect(await client.api.incidents.getUnresolved()).toMatchObject({
        incidents: [{ status: "monitoring", resolved_at: null }],
      });
    },
  );

  it("is told on the page's own hostname, which links to itself alone", async ({ expect }) => {
    const context = await browser.newContext();
    const { page, status, errors } = await open(context, `${own}/`);
    expect([status, errors]).toEqual([200, []]);
    expect(await page.locator("h1").innerText()).toBe("Pitchey status");
    const links = await page
      .locator("a")
      .evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    expect(links).toEqual([
      "https://pitchey.statuspage.io",
      `${own}/history.atom`,
      `${own}/api/v2/summary.json`,
    ]);
    const json = await context.newPage();
    await json.goto(`${own}/api/v2/status.json`);
    expect(await json.locator("body").innerText()).toContain('"indicator":"critical"');
    // Nothing but the status page is there.
    expect((await json.goto(`${own}/pitches`))?.status()).toBe(404);
    await context.close();
  });

  it.for(LOOKS)("is history once it is over, $look", async ({ look, options }, { expect }) => {
    if (look === "light") await api(`incidents/${id}/resolve`, { why: "mended" });
    await eventually(async () => (await summary()).incidents.length === 0);
    const text = await looked("history", look, options, expect);
    expect(text).toContain("All systems operational");
    expect(text).toMatch(/Resolved\..*We found the reason/s);
  });
});

describe("nobody reaches the desk", () => {
  const nowMs = Date.now();
  const site = { title: "Pitchey", components: [{ id: "website", name: "Website" }] };
  const known = [
    {
      id: "inc_1",
      component: "website",
      impact: "critical",
      status: "investigating",
      startedAtMs: nowMs - 900_000,
      resolvedAtMs: null,
      updates: [{ id: "1", atMs: nowMs - 900_000, status: "investigating", message: MESSAGE }],
    },
  ] as const;

  // No user can bring this about: the page is given what it would be given then.
  it.for(LOOKS)(
    "tells what it last knew, and says so, $look",
    async ({ look, options }, { expect }) => {
      const seen = {
        look: null,
        incidents: known,
        isListed: false,
        pastSinceMs: null,
        windows: [],
      };
      const view = statusView(site, seen, nowMs);
      const urls = { jsonUrl: "/summary.json", feedUrl: "/history.atom", elsewhere: [] };
      const context = await browser.newContext(options);
      const page = await context.newPage();
      await page.setContent(String(await statusPage(view, { nowMs, ...urls })));
      const text = await judged(page, "desk-down", look, expect);
      expect(text).toContain("Incidents cannot be read at the moment; this is the last we know.");
      expect(text).not.toContain("Operational");
      await context.close();
    },
  );
});

describe("Postgres and Redis are down", () => {
  beforeAll(async () => {
    await Promise.all([stack.postgres.stop(), stack.redis.stop()]);
    await eventually(async () => (await summary()).status.indicator !== "none");
  });

  it.for(LOOKS)("is served, and not green, $look", async ({ look, options }, { expect }) => {
    const text = await looked("stores-down", look, options, expect);
    expect(text).not.toContain("All systems operational");
    expect(text).not.toMatch(/Website\s+Operational/);
  });
});

/** Opens the page, holds it to what every state owes, and answers its text. */
async function looked(
  state: string,
  look: string,
  options: BrowserContextOptions,
  expect: ExpectStatic,
): Promise<string> {
  const context = await browser.newContext(options);
  const { page, status, errors, requests } = await open(context, stack.info.status);
  expect(status).toBe(200);
  expect(errors).toEqual([]);
  expect(requests).toEqual([stack.info.status]);
  const text = await judged(page, state, look, expect);
  await context.close();
  return text;
}

/** Keeps what it looks like: it can be read in this light, at this width, by whoever sees nothing, and with a keyboard alone. */
async function judged(
  page: Page,
  state: string,
  look: string,
  expect: ExpectStatic,
): Promise<string> {
  await page.screenshot({
    path: join(SCREENSHOTS, `status-${state}-${look}.png`),
    fullPage: true,
  });
  const legibility = await legibilityOf(page);
  expect(legibility).toMatchObject({ language: "en", headings: 1, isTooWide: false });
  expect(legibility.worstContrast).toBeGreaterThanOrEqual(4.5);
  expect(legibility.smallestFontPx).toBeGreaterThanOrEqual(14);
  expect(await page.locator("script").count()).toBe(0);
  const links = page.locator("a");
  for (let n = 0; n < (await links.count()); n += 1) {
    await page.keyboard.press("Tab");
    expect(await links.nth(n).evaluate((a) => a.matches(":focus-visible"))).toBe(true);
  }
  expect(await barriersOf(page)).toEqual([]);
  return page.locator("body").innerText();
}

const created = z.object({ id: z.string() });
const summaryShape = z.object({
  status: z.object({ indicator: z.string() }),
  incidents: z.array(z.object({ status: z.string(), incident_updates: z.array(z.unknown()) })),
  scheduled_maintenances: z.array(z.unknown()),
});

const summary = async () =>
  summaryShape.parse(await (await fetch(`${stack.info.status}/api/v2/summary.json`)).json());

async function api(path: string, body: unknown, method = "POST"): Promise<unknown> {
  const response = await fetch(`${stack.info.guard}/_firebreak/api/v1/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${stack.info.token.admin}`,
      "Content-Type": "application/json",
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}
