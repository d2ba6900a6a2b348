/**
 * People with real browsers, whom the guard asks for the work that it asks of the attackers: each opens the storefront, meets the challenge
 * as its page has it, and is through once the storefront shows. They come a few at a time, as many as the machine can carry beside a flood.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser } from "playwright-core";
import { chromiumPath, launchBrowser } from "../dev/chromium.ts";
import { headersOf, type Client } from "./clients.ts";

const AT_ONCE = 2;
/** Who has waited for so long goes elsewhere. */
const PATIENCE_MS = 20_000;
/** What the guard's page comes with; the storefront's own never does. */
const CHALLENGED = 403;
const STOREFRONT_TITLE = "Storefront";

export type BrowserVisit = {
  readonly atMs: number;
  readonly wasChallenged: boolean;
  readonly isThrough: boolean;
  readonly tookMs: number;
};

/** Is there a browser to come with? */
export const hasBrowser = (): boolean => chromiumPath() !== null;

/** Each client once, with a browser that nobody has used before. Never rejects for what a page does. @throws {Error} without Chromium. */
export async function comeWithBrowsers(
  site: string,
  clients: readonly Client[],
  signal: AbortSignal,
): Promise<readonly BrowserVisit[]> {
  const browser = await launchBrowser();
  const waiting = [...clients];
  const visits: BrowserVisit[] = [];
  const comeOneByOne = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (signal.aborted) return;
      visits.push(await visit(browser, site, next));
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, comeOneByOne));
  } finally {
    await browser.close();
  }
  return visits;
}

async function visit(browser: Browser, site: string, client: Client): Promise<BrowserVisit> {
  const { "User-Agent": userAgent = "", ...extraHTTPHeaders } = headersOf(client);
  const context = await browser.newContext({ userAgent, extraHTTPHeaders });
  const atMs = Date.now();
  let wasChallenged = false;
  const ended = (isThrough: boolean): BrowserVisit => ({
    atMs,
    wasChallenged,
    isThrough,
    tookMs: Date.now() - atMs,
  });
  try {
    const page = await context.newPage();
    const answer = await page.goto(site, { timeout: PATIENCE_MS });
    // Its text is gone with the page, and a quick browser is on the next one by now.
    wasChallenged = answer?.status() === CHALLENGED;
    for (const untilMs = atMs + PATIENCE_MS; Date.now() < untilMs; await sleep(50)) {
      const title = await page.title().catch(() => ""); // It is just going on to another page.
      if (title.includes(STOREFRONT_TITLE)) return ended(true);
    }
    return ended(false);
  } catch {
    return ended(false);
  } finally {
    await context.close();
  }
}
