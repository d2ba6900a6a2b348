import fc from "fast-check";
import { it } from "vitest";
import { returnPath } from "../../../../src/guard/challenge/return-path.ts";

const HERE = "https://shop.example/_firebreak/challenge/redeem";

it.for([
  ["/cart?x=1&y=%2F#top", "/cart?x=1&y=%2F#top"],
  ["/", "/"],
  ["", "/"],
  ["cart", "/"],
  ["https://evil.example/", "/"],
  ["//evil.example/", "/"],
  ["/\\evil.example/", "/"],
  ["\\\\evil.example", "/"],
  ["/.//evil.example/", "/evil.example/"],
  ["/..//evil.example", "/evil.example"],
  ["/\t/evil.example", "/"],
  ["javascript:alert(1)", "/"],
  ["/_firebreak/challenge/return?to=%2F", "/"],
  ["/.//_firebreak/status", "/"],
  [`/${"a".repeat(2_000)}`, "/"],
] as const)("%s becomes %s", ([wanted, expected], { expect }) => {
  expect(returnPath(wanted, HERE)).toBe(expected);
});

it("never leads away, whatever is asked for", ({ expect }) => {
  const piece = fc.constantFrom(
    "/",
    "\\",
    ".",
    "..",
    "//",
    "@",
    ":",
    "evil.example",
    "\t",
    "\n",
    "%2f",
    "%5c",
    "?",
    "#",
    "http:",
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 8 }),
      (pieces) => {
        const path = returnPath(pieces.join(""), HERE);
        expect(path).toMatch(/^\/(?![/\\])/);
        expect(new URL(path, HERE).origin).toBe("https://shop.example");
      },
    ),
    { numRuns: 2_000 },
  );
});
