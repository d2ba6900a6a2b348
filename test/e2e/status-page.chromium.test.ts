/** The public status page in each state, in a real browser, and its JSON as a client of Statuspage reads it. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { Statuspage } from "statuspage.io";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { z } from "zod";
import { startStack, type Stack } from "../../dev/stack.ts";
import { createStatusPage } from "../../src/platform/status-page.ts";
import { launchBrowser } from "../../dev/chromium.ts";
import { barriersOf, legibilityOf, open } from "./browser.ts";
import { eventually } from "./eventually.ts";

/** Kept after the run, for people to look at. */
const SCREENSHOTS = join(tmpdir(), "firebreak-screenshots");
const LOOKS = [
  { look: "light", options: { colorScheme: "light" } },
  { look: "dark", options: { colorScheme: "dark", viewport: { width: 320, height: 640 } } },
] as const;

const MESSAGE = "Some orders take long; none is lost.";

let stack: Stack;
let browser: Browser;
let client: Statuspage;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
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

  it.for(LOOKS)("is told newest first, $look", async ({ look, options }, { expect }) => {
    const text = await looked("incident", look, options, expect);
    expect(text).toContain("Partial outage");
    expect(text).toMatch(/We found the reason.*Some orders take long/s);
    expect(text).not.toContain("db-7");
  });

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
      ids: [stack.info.status, `${stack.info.status}#${id}`],
      contents: [expect.stringContaining(MESSAGE)],
    });
  });

  it.for(LOOKS)("is history once it is over, $look", async ({ look, options }, { expect }) => {
    if (look === "light") await api(`incidents/${id}/resolve`, { why: "mended" });
    await eventually(async () => (await summary()).incidents.length === 0);
    const text = await looked("history", look, options, expect);
    expect(text).toContain("All systems operational");
    expect(text).toMatch(/Resolved\..*We found the reason/s);
  });
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

/** Opens the page, keeps what it looks like, holds it to what every state owes, and answers its text. */
async function looked(
  state: string,
  look: string,
  options: (typeof LOOKS)[number]["options"],
  expect: ExpectStatic,
): Promise<string> {
  const context = await browser.newContext(options);
  const { page, status, errors, requests } = await open(context, stack.info.status);
  await page.screenshot({
    path: join(SCREENSHOTS, `status-${state}-${look}.png`),
    fullPage: true,
  });
  expect(status).toBe(200);
  expect(errors).toEqual([]);
  expect(requests).toEqual([stack.info.status]);
  const legibility = await legibilityOf(page);
  expect(legibility).toMatchObject({ language: "en", headings: 1, isTooWide: false });
  expect(legibility.worstContrast).toBeGreaterThanOrEqual(4.5);
  expect(await page.locator("script").count()).toBe(0);
  expect(await barriersOf(page)).toEqual([]);
  const text = await page.locator("body").innerText();
  await context.close();
  return text;
}

const created = z.object({ id: z.string() });
const summaryShape = z.object({
  status: z.object({ indicator: z.string() }),
  incidents: z.array(z.object({ incident_updates: z.array(z.unknown()) })),
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
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
