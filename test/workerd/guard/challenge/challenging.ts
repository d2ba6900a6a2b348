/** A guard that challenges, and clients that meet it: a browser's way by form, a program's by JSON. */
import { challengeTerms } from "../../../../src/policy/challenge.ts";
import type { GuardDeps } from "../../../../src/guard/guard.ts";
import { CLEARANCE_COOKIE } from "../../../../src/guard/signed.ts";
import type { GuardSettings, PolicyEntry } from "../../../../src/policy/policy.ts";
import { sure } from "../../../../src/shared/shape.ts";
import { solutionsOf } from "../../../support/solve.ts";
import { forAMinute, guarded } from "../guarded.ts";

export const HTML = "text/html,application/xhtml+xml,*/*;q=0.8";
/** As easy as it gets: tests are about the rest. */
export const EASY = sure(challengeTerms, { difficulty: 8 });
export const challenging = (changes: Partial<PolicyEntry> = {}) =>
  forAMinute({ id: "lse_challenge", kind: "challenge", action: EASY, ...changes });

export function challenged(
  entries: readonly PolicyEntry[] = [challenging()],
  changes: Partial<GuardDeps> = {},
  settings: Partial<GuardSettings> = {},
) {
  const guard = guarded(entries, changes, settings);
  const navigate = (path: string, headers: Record<string, string> = {}) =>
    guard.ask(path, { headers: { accept: HTML, "sec-fetch-mode": "navigate", ...headers } });
  const redeem = (fields: Readonly<Record<string, string>>, headers: Record<string, string> = {}) =>
    guard.ask("/_firebreak/challenge/redeem", {
      method: "POST",
      headers: { accept: HTML, ...headers },
      body: new URLSearchParams(fields),
      redirect: "manual",
    });
  /** Gets the page for `path`, and its form's fields with the work done. */
  async function fields(path = "/cart?x=1"): Promise<Record<string, string>> {
    const page = await (await navigate(path)).text();
    return workOf(page);
  }
  /** The cookie of a browser that was challenged on its way to `path`, and met it. */
  async function cookie(path?: string): Promise<string> {
    const response = await redeem(await fields(path));
    return cookieOf(response);
  }
  return { ...guard, navigate, redeem, fields, cookie };
}

/** `name=value` of the clearance that this answer sets; empty for none. */
export const cookieOf = (response: Response): string =>
  new RegExp(`^${CLEARANCE_COOKIE}=[^;]+`).exec(response.headers.get("set-cookie") ?? "")?.[0] ??
  "";

/** What a browser's script would send. */
export function workOf(page: string): Record<string, string> {
  const attribute = (name: string): string =>
    new RegExp(` ${name}="([^"]*)"`).exec(page)?.[1] ?? "";
  const field = (name: string): string =>
    new RegExp(`name="${name}" value="([^"]*)"`).exec(page)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const seed = new Uint8Array(32);
  const view = new DataView(seed.buffer);
  for (const [index, word] of attribute("data-seed").split(",").entries()) {
    view.setInt32(index * 4, Number(word));
  }
  const work = {
    difficulty: Number(attribute("data-difficulty")),
    n: Number(attribute("data-n")),
  };
  return {
    challenge: field("challenge"),
    to: field("to"),
    way: "work",
    solutions: solutionsOf(seed, work).join(","),
  };
}
