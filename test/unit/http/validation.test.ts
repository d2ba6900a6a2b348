import { describe, it } from "vitest";
import { z } from "zod";
import { durationBetween } from "../../../src/http/schemas.ts";
import { FIELD_ERRORS_MAX, fieldErrors } from "../../../src/http/validation.ts";

const schema = z.strictObject({
  title: z.string().min(1).max(100),
  level: z.enum(["low", "high"]),
  share: z.number().min(0).max(1),
  lease: durationBetween(60_000, 3_600_000),
});
const right = { title: "x", level: "low", share: 0.5, lease: "15m" };

/** What is said about the right request with these members changed. */
function errorsOf(changed: Record<string, unknown>) {
  const given = { ...right, ...changed };
  const result = schema.safeParse(given);
  return result.success ? [] : fieldErrors("body", result.error.issues, given);
}

describe("fieldErrors", () => {
  it.for([
    [{ share: 1.5 }, { field: "body.share", value: 1.5, allowed: "at most 1" }],
    [{ share: -1 }, { field: "body.share", value: -1, allowed: "at least 0" }],
    [{ level: "mid" }, { field: "body.level", value: "mid", allowed: "low, high" }],
    [{ title: "" }, { field: "body.title", value: "", allowed: "at least 1 characters" }],
    [{ lease: "1s" }, { field: "body.lease", value: "1s", allowed: "1m to 1h" }],
    [{ lease: "soon" }, { field: "body.lease", value: "soon", allowed: "1m to 1h" }],
    [{ share: "1" }, { field: "body.share", value: "1", allowed: "number" }],
    [{ extra: 1 }, { field: "body.extra", message: "there is no such field" }],
  ] as const)("for %o names field, value and range", ([changed, expected], { expect }) => {
    expect(errorsOf(changed)).toMatchObject([expected]);
  });

  it("does not repeat what is long or nested: it may be a secret in the wrong place", ({
    expect,
  }) => {
    const said = JSON.stringify(
      errorsOf({ title: "s3cret".repeat(20), level: { token: "s3cret" } }),
    );
    expect(said).toContain("body.title");
    expect(said).not.toContain("s3cret");
  });

  it.for([
    "8GuBR55O6_5aD3RhwX6LVVgp6BXYhO88",
    "Bearer abc",
    "postgresql://shop:hunter2@db.example/shop",
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  ])("does not repeat %s, which may be a secret", (secret, { expect }) => {
    const said = JSON.stringify([errorsOf({ level: secret }), errorsOf({ lease: secret })]);
    expect(said).toContain("body.level");
    expect(said).toContain("body.lease");
    expect(said).not.toContain(secret.slice(-7));
  });

  it("stops listing at a limit", ({ expect }) => {
    const extra = Object.fromEntries(Array.from({ length: 200 }, (_, n) => [`x${n}`, n]));
    expect(errorsOf(extra)).toHaveLength(FIELD_ERRORS_MAX);
  });
});
