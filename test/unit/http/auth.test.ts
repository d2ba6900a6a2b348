import { describe, it } from "vitest";
import { apiTokens, callerOf, type ApiToken } from "../../../src/http/auth.ts";
import { sha256Hex } from "../../../src/shared/ids.ts";

const tokens: readonly ApiToken[] = [
  { name: "ada", role: "viewer", sha256: sha256Hex("view-token") },
  { name: "bob", role: "admin", sha256: sha256Hex("admin-token") },
];

describe("callerOf", () => {
  it.for([
    ["Bearer view-token", { name: "ada", role: "viewer" }],
    ["bearer  admin-token", { name: "bob", role: "admin" }],
    ["Bearer admin-toke", null],
    ["Bearer admin-token extra", null],
    ["Basic admin-token", null],
    ["Bearer ", null],
    [`Bearer ${"x".repeat(513)}`, null],
    [undefined, null],
  ] as const)("knows %s as %o", ([authorization, expected], { expect }) => {
    expect(callerOf(authorization, tokens)).toEqual(expected);
  });

  it("does not take the hash itself for the token", ({ expect }) => {
    expect(callerOf(`Bearer ${sha256Hex("admin-token")}`, tokens)).toBeNull();
  });

  it("lets nobody in when no token is configured, not even with an empty one", ({ expect }) => {
    expect(callerOf("Bearer x", [])).toBeNull();
    expect(callerOf("Bearer", [{ name: "e", role: "admin", sha256: sha256Hex("") }])).toBeNull();
  });
});

describe("apiTokens", () => {
  it.for([
    ["a plain token instead of its hash", { name: "a", role: "admin", sha256: "secret" }],
    ["an unknown role", { name: "a", role: "root", sha256: sha256Hex("t") }],
    ["no name", { name: " ", role: "admin", sha256: sha256Hex("t") }],
    ["an unknown key", { name: "a", role: "admin", sha256: sha256Hex("t"), token: "t" }],
  ] as const)("refuses %s", ([, entry], { expect }) => {
    expect(apiTokens.safeParse([entry]).success).toBe(false);
  });
});
