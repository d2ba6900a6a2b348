/** How the stand-in for Neon answers what it cannot do, in the vendor's words. */
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

export const NOT_FOUND = {
  code: "",
  message: "the requested endpoint could not be found, or you don't have access to it",
};
export const BUSY = {
  code: "",
  message:
    "project already has running conflicting operations, scheduling of new ones is prohibited",
};

export const refuse = (
  c: Context,
  status: ContentfulStatusCode,
  error: { readonly code: string; readonly message: string },
): Response => c.json({ request_id: crypto.randomUUID(), ...error }, status);

export const refuseShape = (c: Context, error: z.ZodError): Response =>
  refuse(c, 400, { code: "BAD_REQUEST", message: z.prettifyError(error) });
