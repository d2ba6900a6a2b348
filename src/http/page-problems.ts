/** Problems of pages for people: in words, and with what they wrote, which no browser would give back. */
import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { z } from "zod";
import { FRAME_HEADERS } from "../incident-page/frame.ts";
import { problemPage } from "../incident-page/problem.ts";
import type { HttpEnv } from "./auth.ts";
import type { HttpDeps } from "./deps.ts";
import { Problem } from "./problems.ts";

const said = z.object({ detail: z.string() });

/** Whatever a route below it answers with a problem is a page. */
export const asPage = ({ bundle }: Pick<HttpDeps, "bundle">) =>
  createMiddleware<HttpEnv>(async function asPage(c, next) {
    await next();
    if (c.error === undefined) return;
    const { status } = c.res;
    const problem = said.safeParse(await c.res.json());
    const isForm = c.req.method === "POST";
    const page = problemPage(bundle.site.title, {
      problem: problem.success ? problem.data.detail : "Firebreak did not answer.",
      written: isForm && status !== 413 ? await writtenIn(c).catch(() => ({})) : {},
      // What failed may have been done: sent again, it is the same command.
      again: isForm && status >= 500 ? c.req.path : null,
    });
    c.res = undefined;
    c.res = new Response(String(await page), {
      status,
      headers: { ...FRAME_HEADERS, "content-type": "text/html; charset=utf-8" },
    });
  });

/** The texts of a form, with line breaks as they were typed. @throws {Problem} where it is none. */
export async function writtenIn(c: Context<HttpEnv>): Promise<Readonly<Record<string, string>>> {
  const form = await c.req.parseBody().catch(() => {
    throw new Problem("malformed-body", "This is no form that can be read.");
  });
  const written: Record<string, string> = {};
  for (const [name, text] of Object.entries(form)) {
    if (typeof text === "string") written[name] = text.replaceAll("\r\n", "\n");
  }
  return written;
}
