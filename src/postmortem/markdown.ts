/** Words from people and machines, made harmless inside one line of Markdown. */

export const TEXT_CHARS_MAX = 500;

/** Emphasis, code and strikethrough. */
const MARKS = /[\\`*_~]/g;
/** Links, HTML and entities; as entities themselves, so that no text can pose as a template's placeholder either. */
const BRACKETS = /[[\]<>&]/g;
/** Marks that only mean something at the start of a line, where our text might come to stand. */
const LEADING = /^(?:[-+=#|:]|\d{1,9}(?=[.)]))/;
/** Line breaks and other controls, and the marks that let text run backwards. */
const INVISIBLE = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]+/gu;
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._:@/-]*$/;

/** The same text on one line, without what nobody sees and what turns the words beside it round. */
export const visible = (text: string): string => text.replaceAll(INVISIBLE, " ").trim();

/** Escapes text so that it reads as written and does nothing; at most `TEXT_CHARS_MAX` characters of it, on one line. */
export function prose(text: string): string {
  const line = clip(visible(text));
  const escaped = line.replaceAll(MARKS, "\\$&").replaceAll(BRACKETS, entity);
  return escaped.replace(LEADING, (mark) => (/^\d/.test(mark) ? `${mark}\\` : `\\${mark}`));
}

/** An identifier as a code span; what does not look like one is escaped as prose. */
export const code = (identifier: string): string =>
  IDENTIFIER.test(identifier) ? `\`${clip(identifier)}\`` : prose(identifier);

/** What `prose` and `code` were given, and the words between them, without their marks: for where no Markdown is read. */
export const plain = (line: string): string =>
  line.replaceAll(
    /\\(?<escaped>.)|&#(?<entity>\d{1,4});|\*\*|`/gu,
    (_mark, escaped: string | undefined, number: string | undefined) =>
      escaped ?? (number === undefined ? "" : String.fromCharCode(Number(number))),
  );

/** Bullets, or the one line that stands for none. */
export const bullets = (lines: readonly string[], none: string): string =>
  (lines.length === 0 ? [none] : lines).map((line) => `- ${line}`).join("\n");

const entity = (character: string): string => `&#${character.charCodeAt(0)};`;

const clip = (text: string): string =>
  text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX - 1)}…`;
