/** What went wrong, for a browser: in words, with what was written, and a way on. Pure. */
import { html } from "hono/html";
import { frame } from "./frame.ts";

type Fields = Readonly<Record<string, string>>;

/**
 * @param problem What went wrong, in a sentence. @param written What stood in the form, if one was sent.
 * @param again Where to send it again, as the same command; null where that would change nothing.
 */
export const problemPage = (
  title: string,
  { problem, written, again }: { problem: string; written: Fields; again: string | null },
) =>
  frame(
    `Not done – ${title}`,
    html`<h1>Firebreak of ${title}</h1>
      <p class="notice" role="alert">${problem}</p>
      ${whatWasWritten(written)}
      ${
        again === null
          ? ""
          : html`<form method="post" action="${again}" enctype="multipart/form-data">
              ${Object.entries(written).map(
                ([name, value]) => html`<textarea name="${name}" hidden>${value}</textarea>`,
              )}
              <button>Send it again</button>
              <p class="dim">If it was done already, it is not done twice.</p>
            </form>`
      }`,
  );

/** Of a form, what its own fields hold that nobody wrote. */
const UNWRITTEN: ReadonlySet<string> = new Set([
  "press",
  "about",
  "saved_at",
  "severity",
  "status",
  "by",
  "supplier",
]);

/** To copy from; nothing that was not written, or only blanks. */
export function whatWasWritten(written: Fields) {
  const texts = Object.entries(written).filter(
    ([name, text]) => !UNWRITTEN.has(name) && text.trim() !== "",
  );
  return texts.map(
    ([, text]) =>
      html`<label>What you wrote <textarea rows="3" readonly>${text}</textarea></label>`,
  );
}
