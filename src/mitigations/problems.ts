/** What is wrong with options, in words that name the key. */
import type { z } from "zod";

/** None when they are right; `under` is the key that they stand below. */
export function problems(under: string, schema: z.ZodType, options: unknown): readonly string[] {
  const parsed = schema.safeParse(options);
  if (parsed.success) return [];
  return parsed.error.issues.map(
    (issue) => `${[under, ...issue.path].join(".")}: ${issue.message}`,
  );
}
