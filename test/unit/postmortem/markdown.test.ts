import fc from "fast-check";
import { describe, it } from "vitest";
import { bullets, code, plain, prose, TEXT_CHARS_MAX } from "../../../src/postmortem/markdown.ts";

describe("text from people in Markdown", () => {
  it.for([
    ["plain words", "The disk was full.", "The disk was full."],
    ["a link", "[free money](https://evil.example)", "&#91;free money&#93;(https://evil.example)"],
    ["an image", "![x](y)", "!&#91;x&#93;(y)"],
    ["HTML", "<img src=x onerror=alert(1)>", "&#60;img src=x onerror=alert(1)&#62;"],
    ["an entity", "&lt;script&gt;", "&#38;lt;script&#38;gt;"],
    ["emphasis", "**not** _ours_", "\\*\\*not\\*\\* \\_ours\\_"],
    ["code", "`rm -rf`", "\\`rm -rf\\`"],
    ["an escape of our escape", "\\*x", "\\\\\\*x"],
    ["a heading", "# Root Cause", "\\# Root Cause"],
    ["a heading on a new line", "x\n# Root Cause", "x # Root Cause"],
    ["a list", "- all well", "\\- all well"],
    ["a numbered list", "1. all well", "1\\. all well"],
    ["a rule", "---", "\\---"],
    ["a quote", "> said", "&#62; said"],
    ["a placeholder", "[Owner]", "&#91;Owner&#93;"],
    ["an invisible turn of direction", "abc\u202Edcb", "abc dcb"],
  ] as const)("%s reads as written", ([, text, escaped], { expect }) => {
    expect(prose(text)).toBe(escaped);
  });

  it("stays on one line, within its limit, with nothing that could start markup", ({ expect }) => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        const escaped = prose(text);
        expect(escaped).not.toMatch(/[\n\r[\]<>]/);
        // What is left after our own escapes has no active character.
        const bare = escaped.replaceAll(/\\[\\`*_~#:|=+.)-]|&#\d+;/g, "");
        expect(bare).not.toMatch(/[\\`*_~&]/);
        // An escape at most becomes five characters.
        expect(escaped.length).toBeLessThanOrEqual(TEXT_CHARS_MAX * 5 + 1);
      }),
    );
  });

  it("is read without its marks as it was written", ({ expect }) => {
    const clean = (text: string) =>
      text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu, " ").trim();
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: TEXT_CHARS_MAX }), (text) => {
        expect(plain(prose(clean(text)))).toBe(clean(text));
      }),
    );
    expect(plain("**Detected**: by playbook `outage`")).toBe("Detected: by playbook outage");
  });

  it("shows identifiers as code, and only identifiers", ({ expect }) => {
    expect(code("probe.around_success_ratio")).toBe("`probe.around_success_ratio`");
    expect(code("ada@shop.example")).toBe("`ada@shop.example`");
    expect(code("a`b")).toBe("a\\`b");
    expect(code("")).toBe("");
  });

  it("says what no lines mean", ({ expect }) => {
    expect(bullets([], "Nothing.")).toBe("- Nothing.");
    expect(bullets(["a", "b"], "Nothing.")).toBe("- a\n- b");
  });
});
