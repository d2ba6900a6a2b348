/** The machine's own Chromium, where it has one. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
} from "playwright-core";

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Whoever launches it closes it. @throws {Error} where there is none. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: neededPath(), headless: true, args: ARGS });

/** A browser of its own with this profile; closing the context closes it. @throws {Error} where there is none. */
export const launchWithProfile = (
  profile: string,
  options: BrowserContextOptions = {},
): Promise<BrowserContext> =>
  chromium.launchPersistentContext(profile, {
    executablePath: neededPath(),
    headless: true,
    args: ARGS,
    ...options,
  });

/** Null where the machine has none. */
export function chromiumPath(): string | null {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"];
  return directories.map((directory) => join(directory, "chromium")).find(existsSync) ?? null;
}

function neededPath(): string {
  const path = chromiumPath();
  if (path === null) throw new Error("there is no chromium on PATH");
  return path;
}
