/** What a person would notice about a page in a real browser: errors, strangers' requests, text they cannot read. */
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { z } from "zod";

/** A fresh profile that is set to refuse all cookies, as people set it. Whoever made it removes it. */
export async function profileWithoutCookies(): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), "firebreak-profile-"));
  const preferences = { profile: { default_content_setting_values: { cookies: 2 } } };
  await mkdir(join(profile, "Default"));
  await writeFile(join(profile, "Default", "Preferences"), JSON.stringify(preferences));
  return profile;
}

export type Opened = {
  readonly page: Page;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Everything the page asked for, itself included. */
  readonly requests: readonly string[];
  /** Errors of scripts and of the console; that the page itself answered 503 is not one. */
  readonly errors: readonly string[];
};

/** Opens a page of its own and waits until it is quiet. */
export async function open(context: BrowserContext, url: string): Promise<Opened> {
  const page = await context.newPage();
  const requests: string[] = [];
  const errors: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    const { url: about } = message.location();
    const isOwnStatus = about === url && /status of 503/.test(message.text());
    // What browsers ask for unasked is no error of the page.
    const isFavicon = about.endsWith("/favicon.ico");
    if (message.type() === "error" && !isOwnStatus && !isFavicon) errors.push(message.text());
  });
  const response = await page.goto(url, { waitUntil: "networkidle" });
  if (response === null) throw new Error(`${url} answered nothing`);
  return { page, status: response.status(), headers: response.headers(), requests, errors };
}

export type Legibility = {
  readonly language: string;
  readonly headings: number;
  readonly smallestFontPx: number;
  /** WCAG's ratio of text to what stands behind it, the worst on the page. */
  readonly worstContrast: number;
  /** Wider than the window: people would have to scroll sideways. */
  readonly isTooWide: boolean;
};

/** Measures every piece of text as it is rendered. */
export const legibilityOf = (page: Page): Promise<Legibility> =>
  page.evaluate(() => {
    type Colour = readonly [number, number, number, number];
    const colourOf = (css: string): Colour => {
      const [red = 0, green = 0, blue = 0, alpha = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
      return [red, green, blue, alpha];
    };
    const luminance = ([red, green, blue]: Colour): number => {
      const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const canvas: Colour = matchMedia("(prefers-color-scheme: dark)").matches
      ? [18, 18, 18, 1]
      : [255, 255, 255, 1];
    const behind = (element: Element): Colour => {
      for (let at: Element | null = element; at !== null; at = at.parentElement) {
        const colour = colourOf(getComputedStyle(at).backgroundColor);
        if (colour[3] > 0.5) return colour;
      }
      return canvas;
    };
    const texts = [...document.body.querySelectorAll("*")].filter((element) =>
      [...element.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? "").trim() !== "",
      ),
    );
    const contrasts = texts.map((element) => {
      const [one, other] = [
        luminance(colourOf(getComputedStyle(element).color)),
        luminance(behind(element)),
      ];
      return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    });
    return {
      language: document.documentElement.lang,
      headings: document.querySelectorAll("h1").length,
      smallestFontPx: Math.min(
        ...texts.map((element) => Number.parseFloat(getComputedStyle(element).fontSize)),
      ),
      worstContrast: Math.min(...contrasts),
      isTooWide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
    };
  });

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const axeAnswer = z.object({
  violations: z.array(z.object({ id: z.string(), help: z.string() })),
});

/** What axe finds on the page that somebody could not get past. */
export async function barriersOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(await readFile(AXE, "utf8"));
  const answer: unknown = await page.evaluate("axe.run()");
  return axeAnswer.parse(answer).violations.map(({ id, help }) => `${id}: ${help}`);
}
