/** The forms of an incident's page: each sends one deed, once, and has what was written in it when it was refused. Pure. */
import { html } from "hono/html";
import { OWN_PREFIX } from "../guard/facts.ts";
import { DEEDS, NAME_MAX, WORDS_MAX, type DeedName, type Written } from "./deeds.ts";

/** A form that came and was not done: what it was, and what was written in it. */
export type Refused = {
  readonly deed: string;
  readonly because: string;
  readonly written: Written;
};

/** What forms need of the page that they are on. */
export type FormsPage = {
  readonly view: { readonly id: string };
  readonly caller: { readonly name: string; readonly mayAct: boolean };
  /** Of this rendering: the same form of the same page is one command, however often it is sent. */
  readonly press: string;
  readonly refused: Refused | null;
};

/** What a deed is about, where it is not the incident. */
export type Subject = { readonly id: string; readonly name: string };

/** One of a form, with what was written in it before. */
export type Field = (written: Written) => ReturnType<typeof html>;

export const pathOf = (incidentId: string): string => `${OWN_PREFIX}/incidents/${incidentId}`;

/** Done at once: what can be taken back, or harms nobody. */
export const button = (page: FormsPage, name: DeedName, subject: Subject | null = null) =>
  page.caller.mayAct
    ? html`<form ${sends(page, name)}>
        ${hidden(page, subject)}
        <button
          ${subject === null ? "" : html`class="quiet" aria-label="${labelOf(name, subject)}"`}
        >
          ${DEEDS[name].label}
        </button>
      </form>`
    : "";

/** Opened first, so that no thumb does it by mistake; open already where it was just refused. */
export function form(
  page: FormsPage,
  name: DeedName,
  subject: Subject | null,
  ...fields: readonly Field[]
) {
  if (!page.caller.mayAct) return "";
  const { refused } = page;
  const isRefused =
    refused?.deed === name && (refused.written["about"] ?? null) === (subject?.id ?? null);
  const written = isRefused ? refused.written : {};
  const { warning } = DEEDS[name];
  const label = labelOf(name, subject);
  return html`<details ${isRefused ? "open" : ""}>
    <summary>${label}</summary>
    ${warning === null ? "" : html`<p>${warning}</p>`}
    <form ${sends(page, name)}>
      ${hidden(page, subject)} ${fields.map((field) => field(written))}
      <button>${label}</button>
    </form>
  </details>`;
}

const labelOf = (name: DeedName, subject: Subject | null): string =>
  subject === null ? DEEDS[name].label : `${DEEDS[name].label}: ${subject.name}`;

/** In parts, as texts of any script are three times as long otherwise. */
const sends = ({ view }: FormsPage, name: DeedName) =>
  html`method="post" action="${pathOf(view.id)}/${name}" enctype="multipart/form-data"`;

const hidden = ({ press }: FormsPage, subject: Subject | null) =>
  html`${fixed("press", press)({})}${subject === null ? "" : fixed("about", subject.id)({})}`;

/** What nobody writes. */
export const fixed =
  (name: string, value: string): Field =>
  () =>
    html`<input type="hidden" name="${name}" value="${value}" />`;

/** What whoever sends it should know. */
export const says =
  (text: string): Field =>
  () =>
    html`<p>${text}</p>`;

type Area = {
  readonly isOptional?: boolean;
  readonly usual?: string;
  readonly rows?: number;
  readonly max?: number;
};
export const area =
  (
    label: string,
    name: string,
    { isOptional = false, usual = "", rows = 2, max = WORDS_MAX }: Area = {},
  ): Field =>
  (written) =>
    html`<label
      >${label}
      <textarea name="${name}" rows="${rows}" maxlength="${max}" ${isOptional ? "" : "required"}>
${written[name] ?? usual}</textarea>
    </label>`;

export const words = (label: string, name: string): Field => area(label, name);
export const why: Field = words("Why", "why");
export const wordsIfAny: Field = area("Why, if there is something to say", "why", {
  isOptional: true,
});

export const line =
  (label: string, name: string): Field =>
  (written) =>
    html`<label
      >${label}
      <input
        type="text"
        name="${name}"
        value="${written[name] ?? ""}"
        required
        maxlength="${NAME_MAX}"
    /></label>`;

/** What a choice sends, and how it reads. */
export type Option = readonly [string, string];
export const same = (value: string): Option => [value, value];
export const named = ({ id, name }: Subject): Option => [id, name];

export const choice =
  (label: string, name: string, options: readonly Option[], usual = ""): Field =>
  (written) =>
    html`<label
      >${label}
      <select name="${name}">
        ${options.map(
          ([value, text]) =>
            html`<option value="${value}" ${(written[name] ?? usual) === value ? "selected" : ""}>
              ${text}
            </option>`,
        )}
      </select></label
    >`;
