/** The action items that people wrote into a post-mortem, read back: who does what by when, and what is done. Pure. */
import { clip } from "../shared/clip.ts";

/** Of one post-mortem; the text may have more. */
export const ACTION_ITEMS_MAX = 50;
const WORDS_CHARS_MAX = 200;
const DAY_MS = 24 * 3_600_000;

export type WrittenItem = {
  /** Null: nobody took it. */
  readonly owner: string | null;
  readonly action: string;
  /** The end of the day, UTC, by which it is to be done; null: nobody said when. */
  readonly dueAtMs: number | null;
  readonly isDone: boolean;
};

/** The boxes under "Action Items", as the template has them: `- [ ] owner - action - due 2026-12-01`. */
export function actionItemsIn(markdown: string): readonly WrittenItem[] {
  const lines = markdown.split(/\r?\n/);
  const from = lines.findIndex((line) => /^#{1,6}\s+action items\s*$/i.test(line));
  if (from === -1) return [];
  const length = lines.slice(from + 1).findIndex((line) => /^#{1,2}\s/.test(line));
  const section = lines.slice(from + 1, length === -1 ? undefined : from + 1 + length);
  return section.flatMap((line) => itemIn(line) ?? []).slice(0, ACTION_ITEMS_MAX);
}

const BOX = /^\s{0,3}[-*+]\s+\[(?<mark>[ xX])\]\s+(?<words>\S.*)$/;
const DUE = /^(?:due\s+)?(?<date>\d{4}-\d{2}-\d{2})$/i;
/** What the draft writes where it knows nothing. */
const UNKNOWN = /^no (?:owner|due date) yet$/i;

function itemIn(line: string): WrittenItem | null {
  const { mark, words: written = "" } = BOX.exec(line)?.groups ?? {};
  if (mark === undefined) return null;
  const { rest, dueAtMs } = dated(written.trim().split(/\s+[-–—]\s+/));
  const [owner, ...action] = rest.length > 1 ? rest : ["", ...rest];
  return {
    owner: owner === undefined || owner === "" || UNKNOWN.test(owner) ? null : words(owner),
    action: words(action.join(" - ")),
    dueAtMs,
    isDone: mark !== " ",
  };
}

/** The last part may be its day; an item of one part is words alone. */
function dated(
  parts: readonly string[],
): Pick<WrittenItem, "dueAtMs"> & { readonly rest: readonly string[] } {
  const last = parts.at(-1) ?? "";
  const date = DUE.exec(last)?.groups?.["date"] ?? null;
  if (parts.length === 1 || (date === null && !UNKNOWN.test(last)))
    return { rest: parts, dueAtMs: null };
  return { rest: parts.slice(0, -1), dueAtMs: date === null ? null : endOf(date) };
}

function endOf(date: string): number | null {
  const startMs = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(startMs) ? null : startMs + DAY_MS;
}

/** As it reads, without what keeps Markdown from meaning something. */
const words = (text: string): string =>
  clip(
    text
      .replaceAll(/\\([\\`*_~+=#|:.)-])/g, "$1")
      .replaceAll(/&#(\d{1,6});/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
      .trim(),
    WORDS_CHARS_MAX,
  );
