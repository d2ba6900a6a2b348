/** Request bodies, as JSON or as an HTML form sends them. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { z } from "zod";

/** Reads and checks the body. @throws {HTTPException} 400 with the first thing that is wrong. */
export async function readBody<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  const isJson = c.req.header("Content-Type")?.startsWith("application/json") ?? false;
  const parsed = schema.safeParse(
    await (isJson ? c.req.json() : c.req.parseBody()).catch(() => null),
  );
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new HTTPException(400, {
    message: `${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}`,
  });
}
