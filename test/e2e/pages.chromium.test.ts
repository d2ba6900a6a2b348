/** The pages that people see, in a real browser: the status page, the maintenance page, and the way around it for operators. */
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it, type ExpectStatic } from "vitest";
import { z } from "zod";
import { startStack, type Stack } from "../../dev/stack.ts";
import { launchBrowser } from "../../dev/chromium.ts";
import { barriersOf, legibilityOf, open, type Opened } from "./browser.ts";
import { eventually } from "./eventually.ts";

/** Kept after the run, for people to look at. */
const SCREENSHOTS = join(tmpdir(), "firebreak-screenshots");
const LOOKS = [
  { look: "light", options: { colorScheme: "light" } },
  { look: "dark", options: { colorScheme: "dark" } },
  { look: "phone", options: { colorScheme: "light", viewport: { width: 320, height: 640 } } },
] as const;

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  [stack, browser] = await Promise.all([startStack(), launchBrowser()]);
  await stack.deliverCron();
});

afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
});

describe("while all is well", () => {
  it.for(LOOKS)("the status page is green, $look", async ({ look, options }, { expect }) => {
    await eventually(async () => (await indicator()) === "none");
    await using opened = await visit(stack.info.status, options);
    await screenshot(opened, `status-green-${look}`);
    expect(opened.status).toBe(200);
    expect(await opened.page.textContent("h1")).toBe("Pitchey status");
    expect(await opened.page.getByRole("status").textContent()).toBe("All systems operational");
    expect(await opened.page.title()).toContain("All systems operational");
    await expectReadable(expect, opened);
  });

  it("the storefront is the storefront", async ({ expect }) => {
    await using opened = await visit(`${stack.info.guard}/`, {});
    expect(opened.status).toBe(200);
    expect(await opened.page.title()).toBe("Pitches · Storefront");
    expect(opened.errors).toEqual([]);
  });
});

describe("in maintenance", () => {
  beforeAll(async () => {
    await api("mitigations", {
      actuator: "maintenance-mode",
      lease: "10m",
      why: "the browser wants to see it",
    });
    await eventually(async () => (await fetch(`${stack.info.guard}/`)).status === 503);
  });

  it.for(LOOKS)("visitors read why, $look", async ({ look, options }, { expect }) => {
    await using opened = await visit(`${stack.info.guard}/`, options);
    await screenshot(opened, `maintenance-${look}`);
    expect(opened.status).toBe(503);
    expect(Number(opened.headers["retry-after"])).toBeGreaterThanOrEqual(10);
    expect(Number(opened.headers["retry-after"])).toBeLessThanOrEqual(300);
    expect(opened.headers["cache-control"]).toBe("no-store");
    expect(await opened.page.title()).toBe("Back shortly · Pitchey");
    expect(await opened.page.textContent("main")).toContain("We are working on it");
    expect(opened.requests).toEqual([`${stack.info.guard}/`]);
    await expectReadable(expect, opened);
  });

  it.for(LOOKS)("the status page says so, $look", async ({ look, options }, { expect }) => {
    await eventually(async () => !["none", "unknown"].includes(await indicator()));
    await using opened = await visit(stack.info.status, options);
    await screenshot(opened, `status-incident-${look}`);
    expect(opened.status).toBe(200);
    expect(await opened.page.getByRole("status").textContent()).not.toContain("operational");
    await expectReadable(expect, opened);
  });

  it("an operator with a bypass header works on, styles and all", async ({ expect }) => {
    const { header, token } = await mintBypass();
    await using opened = await visit(`${stack.info.guard}/`, {
      extraHTTPHeaders: { [header]: token },
    });
    expect(opened.status).toBe(200);
    expect(await opened.page.title()).toBe("Pitches · Storefront");
    expect(opened.errors).toEqual([]);
    await opened.page.getByRole("link", { name: "The Difference" }).click();
    expect(new URL(opened.page.url()).pathname).toBe("/pitches/1");
    expect(await opened.page.textContent("body")).toContain("The Difference");
  });

  it("an operator with the bypass cookie does, too", async ({ expect }) => {
    const { cookie } = await mintBypass();
    const [name = "", value = ""] = (cookie.split(";")[0] ?? "").split("=");
    const context = await browser.newContext();
    // Chromium counts loopback as secure, so the cookie of an HTTPS site travels here.
    await context.addCookies([
      { name, value, domain: "127.0.0.1", path: "/", secure: true, httpOnly: true },
    ]);
    const opened = await open(context, `${stack.info.guard}/`);
    expect(opened.status).toBe(200);
    expect(await opened.page.title()).toBe("Pitches · Storefront");
    await context.close();
  });

  it("a forged bypass is an ordinary visitor", async ({ expect }) => {
    const { header, token } = await mintBypass();
    await using opened = await visit(`${stack.info.guard}/`, {
      extraHTTPHeaders: { [header]: `${token.slice(0, -4)}AAAA` },
    });
    expect(opened.status).toBe(503);
  });

  it("a visitor who comes back after the release finds the site", async ({ expect }) => {
    await using opened = await visit(`${stack.info.guard}/`, {});
    expect(opened.status).toBe(503);
    await api("mitigations/release-all", { why: "seen enough" });
    await eventually(async () => (await fetch(`${stack.info.guard}/`)).status === 200);
    const again = await opened.page.reload();
    expect(again?.status()).toBe(200);
    expect(await opened.page.title()).toBe("Pitches · Storefront");
  });
});

describe("with a part of the site switched off that only production knows", () => {
  it("visitors have the rest of the page, and all of it again afterwards", async ({ expect }) => {
    const why = "the list asks too much of the database";
    await api("mitigations", {
      actuator: "disable-features",
      with: { feature: "latest-pitches" },
      lease: "10m",
      why,
    });
    const isLeftOut = async () =>
      (await (await fetch(`${stack.info.guard}/`)).text()).includes("not shown for now");
    await eventually(isLeftOut);
    await using opened = await visit(`${stack.info.guard}/`, {});
    await screenshot(opened, "feature-off");
    expect(opened.status).toBe(200);
    expect(await opened.page.locator(".pitches").count()).toBe(0);
    expect(await opened.page.getByLabel("E-mail").count()).toBe(1);
    expect((await fetch(`${stack.info.guard}/pitches/1`)).status).toBe(200);
    await api("mitigations/release-all", { why: "it is well again" });
    await eventually(async () => !(await isLeftOut()));
    await opened.page.reload();
    expect(await opened.page.locator(".pitches").count()).toBe(1);
  });
});

describe("what the link of a message leads to", () => {
  let url: string;
  beforeAll(async () => {
    const { id } = declared.parse(
      await api("incidents", {
        title: "Checkout is slow for <everybody>",
        severity: "SEV-2",
        playbook: "database",
        scope: "looked-at",
      }),
    );
    url = `${stack.info.guard}/_firebreak/incidents/${id}`;
  });

  it.for(LOOKS)(
    "asks once who it is, and then can be acted on, $look",
    async (looked, { expect }) => {
      const { look, options } = looked;
      await using opened = await visit(url, options);
      const { page } = opened;
      expect(opened.status).toBe(401);
      expect(await page.textContent("body")).not.toContain("Checkout");
      await screenshot(opened, `sign-in-${look}`);
      await expectReadable(expect, { ...opened, errors: opened.errors.filter(isFault) });
      expect(await barriersOf(page)).toEqual([]);

      await signIn(page, "not-a-token");
      expect(await page.getByRole("alert").textContent()).toBe("That token is not known here.");
      await signIn(page, stack.info.token.responder);
      expect(page.url()).toBe(url);
      expect(await page.textContent("h1")).toBe("SEV-2: Checkout is slow for <everybody>");

      await screenshot(opened, `incident-${look}`);
      await expectReadable(expect, { ...opened, errors: opened.errors.filter(isFault) });
      await page.locator("details").evaluateAll((all) => {
        for (const one of all) one.setAttribute("open", "");
      });
      expect(await barriersOf(page)).toEqual([]);
      expect(await legibilityOf(page)).toMatchObject({ isTooWide: false });
      await page.getByRole("link", { name: "Look again" }).click();

      await page.getByText("Write a note").first().click();
      const said = `the pool is full, seen from ${look}`;
      await page.getByLabel("What the others should know").fill(said);
      await page.getByRole("button", { name: "Write a note" }).click();
      expect(await page.locator("ol").textContent()).toContain(said);
    },
  );

  it("is answered, taken back and ended from a phone", async ({ expect }) => {
    await using opened = await visit(url, { viewport: { width: 390, height: 844 } });
    const { page } = opened;
    await signIn(page, stack.info.token.responder);
    await page.getByRole("button", { name: "Acknowledge" }).click();
    await page.getByRole("button", { name: "Take lead" }).click();
    expect(await page.getByRole("status").textContent()).toContain(
      "Lead: local responder. Acknowledged by local responder.",
    );
    expect(await page.getByRole("button", { name: "Acknowledge" }).count()).toBe(0);
    await page.getByText("Set the severity").first().click();
    await page.locator("details[open]").getByLabel("Why", { exact: true }).fill("   ");
    await page.getByRole("button", { name: "Set the severity" }).click();
    expect(await page.getByRole("alert").textContent()).toContain("why: must be said");
    await page.getByRole("link", { name: "Look again" }).click();
    await page.locator("summary", { hasText: "Resolve" }).click();
    await page.getByRole("button", { name: "Resolve" }).click();
    expect(await page.getByRole("status").textContent()).toMatch(/^Resolved after/);
    await screenshot(opened, "incident-resolved");
    await page.getByRole("button", { name: "Sign out" }).click();
    expect((await page.goto(url))?.status()).toBe(401);
  });
});

/** That somebody is not known yet, or that a form was refused, is none. */
const isFault = (error: string): boolean => !/status of (?:401|409)/.test(error);

async function signIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("API token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForLoadState("networkidle");
}

type Visit = Opened & AsyncDisposable;

/** A visitor of their own, with nothing remembered. */
async function visit(url: string, options: BrowserContextOptions): Promise<Visit> {
  const context = await browser.newContext(options);
  const opened = await open(context, url);
  return { ...opened, [Symbol.asyncDispose]: () => context.close() };
}

const screenshot = ({ page }: Opened, name: string) =>
  page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });

async function expectReadable(expect: ExpectStatic, opened: Opened): Promise<void> {
  expect(opened.errors).toEqual([]);
  const hosts = new Set(opened.requests.map((url) => new URL(url).origin));
  expect([...hosts]).toEqual([stack.info.guard]);
  const legibility = await legibilityOf(opened.page);
  expect(legibility).toMatchObject({ language: "en", headings: 1, isTooWide: false });
  expect(legibility.smallestFontPx).toBeGreaterThanOrEqual(14);
  expect(legibility.worstContrast).toBeGreaterThanOrEqual(4.5);
}

async function indicator(): Promise<string> {
  const response = await fetch(`${stack.info.status}/api/v2/status.json`);
  const shape = z.object({ status: z.object({ indicator: z.string() }) });
  return shape.parse(await response.json()).status.indicator;
}

async function api(path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`${stack.info.guard}/_firebreak/api/v1/${path}`, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${stack.info.token.responder}`,
      "Content-Type": "application/json",
    },
    body: JSON.stringify(body),
  });
  if (!response.ok)
    throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

const declared = z.object({ id: z.string() });
const bypass = z.object({ header: z.string(), token: z.string(), cookie: z.string() });
const mintBypass = async () => bypass.parse(await api("bypass", { reason: "look", for: "5m" }));
