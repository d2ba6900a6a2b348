/** The challenge, as people meet it: a real browser, the real guard in front of the real storefront. */
import { mkdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, it } from "vitest";
import { launchBrowser, launchWithProfile } from "../../dev/chromium.ts";
import { startStack, type Stack } from "../../dev/stack.ts";
import { PUZZLES } from "../../src/guard/challenge/puzzles.ts";
import { DIFFICULTY_DEFAULT } from "../../src/policy/challenge.ts";
import { legibilityOf, profileWithoutCookies } from "./browser.ts";
import { eventually } from "./eventually.ts";

/** Kept after the run, for people to look at. */
const SCREENSHOTS = join(tmpdir(), "firebreak-screenshots");
const CLEARANCE = "__Host-firebreak-clearance";
const LOOKS = [
  { look: "light", options: { colorScheme: "light" } },
  { look: "dark", options: { colorScheme: "dark" } },
  { look: "phone", options: { colorScheme: "light", viewport: { width: 320, height: 640 } } },
] as const;

let stack: Stack;
let browser: Browser;

beforeAll(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  [stack, browser] = await Promise.all([startStack({ split: true }), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
});

/** Puts a challenge in force in place of the one before, and waits until this guard has heard of it. */
async function challengeWith(options: {
  readonly difficulty: number;
  readonly [name: string]: unknown;
}) {
  await api("mitigations/release-all", {});
  await api("mitigations", {
    actuator: "challenge-suspicious",
    with: options,
    lease: "10m",
    why: "the browser wants to see it",
  });
  const context = await browser.newContext();
  await eventually(async () => {
    const headers = { accept: "text/html" };
    const response = await context.request.get(stack.info.guard, { headers });
    return (await response.text()).includes(`data-difficulty="${options.difficulty}"`);
  });
  await context.close();
}

async function api(path: string, body: object): Promise<void> {
  const response = await fetch(`${stack.info.guard}/_firebreak/api/v1/${path}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${stack.info.token.admin}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

async function visitor(options: BrowserContextOptions = {}, own: BrowserContext | null = null) {
  const context = own ?? (await browser.newContext(options));
  const page = await context.newPage();
  const documents: string[] = [];
  const strangers: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (request.isNavigationRequest() && request.frame() === page.mainFrame()) {
      documents.push(`${request.method()} ${url.pathname}${url.search}`);
    }
    if (url.protocol.startsWith("http") && url.origin !== stack.info.guard)
      strangers.push(url.href);
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 40[34]|favicon/.test(message.text()))
      errors.push(message.text());
  });
  return {
    context,
    page,
    documents,
    strangers,
    errors,
    [Symbol.asyncDispose]: () => context.close(),
  };
}
const wanted = () => `${stack.info.guard}/?sort=new#list`;
const arrived = (page: Page) => page.waitForFunction(() => document.title.includes("Storefront"));

describe("a person with an ordinary browser", () => {
  beforeAll(() => challengeWith({ difficulty: 14 }));

  it("is held up for a moment, and lands where they wanted", async ({ expect }) => {
    await using at = await visitor();
    await at.page.goto(wanted());
    await arrived(at.page);
    expect(await at.page.title()).toContain("Storefront");
    expect(at.documents).toEqual([
      "GET /?sort=new",
      "POST /_firebreak/challenge/redeem",
      expect.stringContaining("GET /_firebreak/challenge/return?to="),
      "GET /?sort=new",
    ]);
    expect(at.strangers).toEqual([]);
    expect(at.errors).toEqual([]);
    const cookies = await at.context.cookies(stack.info.guard);
    expect(cookies).toMatchObject([
      { name: CLEARANCE, httpOnly: true, secure: true, sameSite: "Lax" },
    ]);
  });

  it("is not asked again, on any page", async ({ expect }) => {
    await using at = await visitor();
    await at.page.goto(wanted());
    await arrived(at.page);
    const second = await at.page.goto(`${stack.info.guard}/`);
    expect(second?.status()).toBe(200);
    expect(at.documents.filter((document) => document.startsWith("POST"))).toHaveLength(1);
  });

  it("lands where production sends them on, on another host too", async ({ expect }) => {
    await using at = await visitor();
    const elsewhere = stack.info.guard.replace("127.0.0.1", "localhost");
    expect(elsewhere).not.toBe(stack.info.guard);
    await at.page.route("**/challenge/redeem", (route) =>
      route.fulfill({ status: 303, headers: { location: `${elsewhere}/login` } }),
    );
    await at.page.goto(wanted());
    await at.page.waitForURL(`${elsewhere}/login`);
    expect(at.errors).toEqual([]);
  });

  it("whose browser has no Worker waits for the page itself to do the work", async ({ expect }) => {
    await using at = await visitor();
    await at.page.addInitScript(() => void Reflect.deleteProperty(globalThis, "Worker"));
    await at.page.goto(wanted());
    await arrived(at.page);
    expect(at.errors).toEqual([]);
  });
});

/** An inexpensive phone next to the machine of a developer, as the devtools of browsers have it. */
const PHONE_SLOWER = 6;
const PHONE = { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true } as const;

/** What a person sees and hears of the page while it works, frame by frame. */
type Noticed =
  | { readonly frame: number; readonly solved: number }
  | { readonly said: string; readonly solved: number }
  | { readonly touched: true; readonly solved: number };

describe("a person with a slow phone", () => {
  beforeAll(() => challengeWith({ difficulty: DIFFICULTY_DEFAULT }));

  it.for([
    ["in a Worker", true],
    ["in the page itself, where there is no Worker", false],
  ] as const)("gets through at the first attempt, %s", async ([, hasWorker], { expect }) => {
    await using at = await visitor(PHONE);
    const devtools = await at.context.newCDPSession(at.page);
    const unhurried = await loopMs(at.page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: PHONE_SLOWER });
    // Or the phone would be as fast as this machine, and the rest would show nothing.
    expect((await loopMs(at.page)) / unhurried).toBeGreaterThan(PHONE_SLOWER / 3);

    const noticed: Noticed[] = [];
    await at.page.exposeBinding("notice", (_, one: Noticed) => void noticed.push(one));
    await at.page.addInitScript(watchTheWork, hasWorker);
    await at.page.goto(wanted());
    await at.page.waitForFunction(() => (document.querySelector("progress")?.value ?? 0) >= 1);
    await at.page.touchscreen.tap(180, 300);
    await arrived(at.page);

    // Not once more from the start: the work was done, and taken, before the challenge had run out.
    expect(at.documents).toEqual([
      "GET /?sort=new",
      "POST /_firebreak/challenge/redeem",
      expect.stringContaining("GET /_firebreak/challenge/return?to="),
      "GET /?sort=new",
    ]);
    const painted = noticed.flatMap((one) => ("frame" in one ? one.solved : []));
    const steps = [...new Set(painted)];
    expect(steps, "the bar moves forward, and never back").toEqual(steps.toSorted((a, b) => a - b));
    // The page is slowed down, and its Worker is not: there, the work may be over in few of the page's slow frames.
    expect(steps.length, "the bar moves in steps that are painted").toBeGreaterThan(
      hasWorker ? 2 : PUZZLES / 4,
    );
    const touched = noticed.find((one) => "touched" in one);
    expect(touched, "a touch is heard before the page is left").toBeDefined();
    // As for the steps: a Worker may be through with its work before the slow page has heard of the touch.
    if (!hasWorker) {
      expect(touched?.solved, "a touch is heard while there is work left").toBeLessThan(PUZZLES);
    }
    const said = noticed.flatMap((one) => ("said" in one ? one.said : []));
    expect(said[0]).toBe("Working. This takes a moment.");
    expect(said.at(-1)).toBe("Done. Taking you to the page.");
    expect(at.errors).toEqual([]);
  });
});

/** How long the page's own thread takes for the same arithmetic: the middle of a few times, on the wall. */
const loopMs = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const tookMs = Array.from({ length: 9 }, () => {
      const startedAtMs = performance.now();
      let sum = 0;
      for (let n = 0; n < 30_000_000; n++) sum = Math.imul(sum ^ n, 0x9e3779b1);
      return performance.now() - startedAtMs + (sum === 1 ? 1 : 0);
    });
    return tookMs.toSorted((a, b) => a - b)[4] ?? 0;
  });

/** Runs in the page before anything of its own. */
function watchTheWork(hasWorker: boolean): void {
  if (!hasWorker) Reflect.deleteProperty(globalThis, "Worker");
  const notice: (one: Noticed) => void = Reflect.get(globalThis, "notice");
  const solved = (): number | null => document.querySelector("progress")?.value ?? null;
  let frame = 0;
  const painted = (): void => {
    const now = solved();
    frame += 1;
    if (now !== null) notice({ frame, solved: now });
    requestAnimationFrame(painted);
  };
  requestAnimationFrame(painted);
  addEventListener("touchstart", () => notice({ touched: true, solved: solved() ?? 0 }));
  addEventListener("DOMContentLoaded", () => {
    const status = document.getElementById("status");
    if (status === null) return;
    const said = (): void => notice({ said: status.textContent, solved: solved() ?? 0 });
    said();
    new MutationObserver(said).observe(status, { childList: true });
  });
}

describe("a person whose browser runs no scripts", () => {
  beforeAll(() => challengeWith({ difficulty: 15, wait: "2s" }));

  it("is told to wait, and lands where they wanted", async ({ expect }) => {
    await using at = await visitor({ javaScriptEnabled: false });
    await at.page.goto(wanted().replace("#list", ""));
    expect(await at.page.textContent("main")).toContain("Wait 2 seconds, then press the button");
    await screenshot(at.page, "challenge-no-script");
    await at.page.getByRole("button", { name: "Continue" }).click();
    await eventually(async () => {
      const again = at.page.getByRole("button", { name: "Continue" });
      if (await again.isVisible()) await again.click();
      return (await at.page.title()).includes("Storefront");
    });
    expect(at.page.url()).toBe(wanted().replace("#list", ""));
  });
});

describe("a person whose browser refuses cookies", () => {
  let profile: string;
  beforeAll(async () => {
    await challengeWith({ difficulty: 8, wait: "1s" });
    profile = await profileWithoutCookies();
  });
  afterAll(() => rm(profile, { recursive: true }));

  it("is told so, and goes round no more", async ({ expect }) => {
    await using at = await visitor({}, await launchWithProfile(profile));
    await at.page.goto(wanted());
    await at.page
      .getByRole("status")
      .filter({ hasText: /cookies/ })
      .waitFor();
    // Once round at most: some browsers say beforehand that they will keep none.
    expect(at.documents.length).toBeLessThanOrEqual(3);
    expect(at.errors).toEqual([]);
  });

  it("is told so at once where the browser says it", async ({ expect }) => {
    await using at = await visitor();
    await at.page.addInitScript(() => {
      Object.defineProperty(navigator, "cookieEnabled", { get: () => false });
    });
    await at.page.goto(wanted());
    await at.page.getByRole("status").filter({ hasText: "refuses cookies" }).waitFor();
    expect(at.documents).toHaveLength(1);
  });

  it("is told so without scripts, too", async ({ expect }) => {
    await using at = await visitor(
      {},
      await launchWithProfile(profile, { javaScriptEnabled: false }),
    );
    await at.page.goto(wanted());
    const told = at.page.getByRole("status").filter({ hasText: "allow cookies" });
    await eventually(async () => {
      await at.page.getByRole("button", { name: "Continue" }).click();
      return told.isVisible();
    });
    await screenshot(at.page, "challenge-no-cookies");
    const link = at.page.getByRole("link", { name: "Try again" });
    expect(await link.getAttribute("href")).toBe("/?sort=new");
    expect(at.documents.at(-1)).toContain("/_firebreak/challenge/return");
    expect(await at.context.cookies()).toEqual([]);
  });
});

describe("with Turnstile", () => {
  const control = (method: string, body?: object) =>
    fetch(`${stack.info.vendors}/__vendor/turnstile`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    });
  beforeAll(() => challengeWith({ provider: "turnstile", difficulty: 9 }));

  it("a person passes its widget, and does no work", async ({ expect }) => {
    await control("DELETE");
    await using at = await visitor();
    await at.page.goto(wanted());
    await arrived(at.page);
    const { calls } = Object(await (await control("GET")).json());
    expect(calls.filter(({ path }: { path: string }) => path === "/siteverify")).toHaveLength(1);
    expect(at.errors).toEqual([]);
  });

  it.for(["5xx", "garbage"] as const)(
    "a person works instead when siteverify gives %s",
    async (kind, { expect }) => {
      await control("DELETE");
      await using at = await visitor();
      await at.page.route("**/turnstile/tokens", async (route) => {
        const answer = await route.fetch();
        await control("POST", { kind });
        await route.fulfill({ response: answer });
      });
      await at.page.goto(wanted());
      await arrived(at.page);
      expect(at.documents.filter((document) => document.startsWith("POST"))).toHaveLength(2);
    },
  );

  it("a person works instead when the widget cannot be loaded", async ({ expect }) => {
    await using at = await visitor();
    await at.page.route("**/turnstile/api.js*", (route) => route.abort());
    await at.page.goto(wanted());
    await arrived(at.page);
    expect(at.documents.filter((document) => document.startsWith("POST"))).toHaveLength(1);
  });
});

describe("the page", () => {
  beforeAll(() => challengeWith({ difficulty: 18 }));

  it.for(LOOKS)(
    "is readable, shows how far it is, and says so aloud: $look",
    async ({ look, options }, { expect }) => {
      await using at = await visitor({ ...options, reducedMotion: "reduce" });
      await at.page.goto(wanted(), { waitUntil: "commit" });
      const bar = at.page.getByRole("progressbar", { name: "Work done" });
      await bar.waitFor();
      await at.page.waitForFunction(() => (document.querySelector("progress")?.value ?? 0) >= 1);
      expect(await at.page.getByRole("status").textContent()).toContain("Working.");
      expect(await at.page.getByRole("status").getAttribute("aria-live")).toBe("polite");
      expect(await at.page.getByRole("button").count()).toBe(0);
      const legibility = await legibilityOf(at.page);
      await screenshot(at.page, `challenge-${look}`);
      expect(legibility).toMatchObject({ language: "en", headings: 1, isTooWide: false });
      expect(legibility.smallestFontPx).toBeGreaterThanOrEqual(16);
      expect(legibility.worstContrast).toBeGreaterThanOrEqual(4.5);
      expect(at.errors).toEqual([]);
    },
  );
});

const screenshot = (page: Page, name: string) =>
  page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
