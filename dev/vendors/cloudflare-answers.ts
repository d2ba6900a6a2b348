/** How the stand-in for Cloudflare's API answers, in the vendor's envelope. */
import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";

export const isJson = (c: Context): boolean =>
  c.req.header("content-type")?.startsWith("application/json") === true;

export async function json(c: Context): Promise<unknown> {
  try {
    return await c.req.json();
  } catch {
    return null;
  }
}

export const NO_ROUTE = {
  code: 7_003,
  message: "Could not route to the path, perhaps your object identifier is invalid?",
};
export const NO_SCRIPT = { code: 10_007, message: "This Worker does not exist on your account." };
export const NO_PROJECT = { code: 8_000_007, message: "Project not found." };

export const answer = (c: Context, result: unknown): Response =>
  c.json({ success: true, errors: [], messages: [], result });

export const refuse = (
  c: Context,
  status: ContentfulStatusCode,
  error: { readonly code: number; readonly message: string },
): Response => c.json({ success: false, errors: [error], messages: [], result: null }, status);

/** A body of the wrong shape. */
export const invalid = (c: Context, error: z.ZodError): Response =>
  refuse(c, 400, { code: 10_021, message: z.prettifyError(error) });
