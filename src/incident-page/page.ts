/**
 * One incident for whoever was woken by it: what is asked of them, what is wrong, what was already done, and the forms to do
 * something about it from there. Pure.
 */
import { html } from "hono/html";
import { OWN_PREFIX } from "../guard/facts.ts";
import { PUBLIC_STATUSES } from "../incidents/public.ts";
import type { ActView, IncidentView, ItemView, LeaseView } from "../incidents/view.ts";
import { isWaiting } from "../notify/buttons.ts";
import { isLive, type Evidence } from "../notify/news.ts";
import { stateOf } from "../notify/pipeline.ts";
import { actText, impactText, leaseText, readingText } from "../notify/templates.ts";
import { severity as severities } from "../playbooks/schema.ts";
import { plain } from "../postmortem/markdown.ts";
import type { TimelineLine } from "../postmortem/timeline.ts";
import { POSTMORTEM_CHARS_MAX } from "../postmortem/text.ts";
import { formatDuration } from "../shared/duration.ts";
import { utcTime } from "../shared/utc.ts";
import { STATUS_WORDS } from "../status-page/words.ts";
import { frame } from "./frame.ts";
import { DEEDS, EXTENSIONS, NAME_MAX, WORDS_MAX, type DeedName } from "./deeds.ts";

/** The newest of what happened; the journal has all of it. */
export const LINES_MAX = 100;
const READINGS_MAX = 12;

/** A reading, and when the journal took it down. */
export type Dated = { readonly reading: Evidence; readonly atMs: number };

/** A form that came and was not done: what it was, and what was written in it. */
export type Refused = {
  readonly deed: string;
  readonly because: string;
  readonly written: Readonly<Record<string, string>>;
};

export type IncidentPage = {
  readonly view: IncidentView;
  /** Oldest first. */
  readonly timeline: readonly TimelineLine[];
  /** The last of each signal, the newest first. */
  readonly readings: readonly Dated[];
  readonly site: {
    readonly title: string;
    readonly suppliers: readonly { readonly id: string; readonly name: string }[];
  };
  readonly caller: { readonly name: string; readonly mayAct: boolean };
  /** When somebody must have answered. */
  readonly respondByMs: number;
  /** Of this rendering: the same form of the same page is one command, however often it is sent. */
  readonly press: string;
  readonly refused: Refused | null;
  /** As it stands, in Markdown. */
  readonly postmortem: string;
  readonly nowMs: number;
};

export const pathOf = (incidentId: string): string => `${OWN_PREFIX}/incidents/${incidentId}`;

export function incidentPage(page: IncidentPage) {
  const { view, site, caller, refused, nowMs } = page;
  const drill = view.drill ? "Drill: " : "";
  const last = page.timeline.at(-1);
  return frame(
    `${drill}${view.severity} ${view.title} – ${site.title}`,
    html`<p class="dim">${site.title} · as of ${utcTime(nowMs)} UTC · <a href="">Look again</a></p>
      ${view.drill ? html`<p class="notice">A drill, not a real incident.</p>` : ""}
      <h1>${view.severity}: ${view.title}</h1>
      <p class="state ${stateOf(view)}" role="status">${standing(page)}</p>
      ${last === undefined ? "" : html`<p>Latest, ${utcTime(last.atMs)} UTC: ${plain(last.text)}</p>`}
      ${
        refused === null
          ? ""
          : html`<p class="notice" role="alert">Nothing was done: ${refused.because}.</p>`
      }
      <h2>What is asked of you</h2>
      ${asked(page)}
      <h2>What is wrong</h2>
      ${wrong(page)}
      <h2>What was done</h2>
      ${done(page)} ${checklist(page)} ${caller.mayAct ? more(page) : ""}
      <h2 id="story">What happened</h2>
      ${story(page)}
      <footer>
        <p>
          <a href="${OWN_PREFIX}/api/v1/incidents/${view.id}/postmortem.md">Post-mortem</a>
          (${view.postmortem}) ·
          <a href="${OWN_PREFIX}/api/v1/incidents/${view.id}/journal">Journal</a> ·
          <a href="${OWN_PREFIX}/status">Status page</a>
        </p>
        <form method="post" action="${OWN_PREFIX}/sign-out">
          <p>
            ${view.id}, ${view.instance}. You are
            ${caller.name}${caller.mayAct ? "" : ", and may look only"}.
            <button class="quiet">Sign out</button>
          </p>
        </form>
      </footer>`,
  );
}

/** `Mitigating for 4m, since 02:13:04 UTC. Lead: nobody yet. Acknowledged by nobody.` */
function standing({ view, nowMs }: IncidentPage): string {
  const { onsetAtMs, resolvedAtMs } = view.anchors;
  const lasts = formatDuration(Math.max(0, (resolvedAtMs ?? nowMs) - onsetAtMs));
  const status = view.status.charAt(0).toUpperCase() + view.status.slice(1);
  const stands =
    view.status === "resolved"
      ? `Resolved after ${lasts}; it began at ${utcTime(onsetAtMs)} UTC`
      : `${status} for ${lasts}, since ${utcTime(onsetAtMs)} UTC`;
  return `${stands}. Lead: ${view.lead ?? "nobody yet"}. Acknowledged by ${view.acknowledgedBy ?? "nobody yet"}.`;
}

function asked(page: IncidentPage) {
  const { view, respondByMs, nowMs } = page;
  if (view.status === "resolved") {
    return html`<p>
      Nothing right now${view.postmortem === "completed" ? "" : ", but for the post-mortem"}.
    </p>`;
  }
  const due =
    nowMs < respondByMs
      ? `An answer is due by ${utcTime(respondByMs)} UTC.`
      : `An answer was due at ${utcTime(respondByMs)} UTC.`;
  const waiting = [...view.leases, ...view.acts].filter(isWaiting);
  const answers = [
    ...(view.acknowledgedBy === null ? [button(page, "acknowledge")] : []),
    ...(view.lead === null ? [button(page, "lead")] : []),
  ];
  if (waiting.length + answers.length === 0) return html`<p>Nothing right now.</p>`;
  return html`${view.acknowledgedBy === null ? html`<p>${due}</p>` : ""}
    <div class="deeds">${answers}</div>
    ${waiting.map(
      (one) =>
        html`<div class="card">
          <p>${mitigationText(one)}</p>
          <p class="dim">Why: ${one.why === "" ? one.step : one.why}</p>
          <div class="deeds">
            ${form(page, "approve", one.id, wordsIfAny)}
            ${form(page, "decline", one.id, wordsIfAny)}
          </div>
        </div>`,
    )}`;
}

function wrong({ view, readings }: IncidentPage) {
  const known = readings.map(({ reading }) => reading);
  return html`<p>${impactText(view, known)}</p>
    <ul>
      ${view.firingRules.map((rule) => html`<li>Rule ${rule} fires</li>`)}
      ${readings
        .slice(0, READINGS_MAX)
        .map(
          ({ reading, atMs }) =>
            html`<li>${readingText(reading)} <time>(${utcTime(atMs)} UTC)</time></li>`,
        )}
    </ul>
    ${view.firingRules.length === 0 ? html`<p>No rule fires now.</p>` : ""}
    ${(view.links ?? []).map(({ kind, target, says }) => html`<p>Belongs to ${kind} ${target}: ${says}</p>`)}`;
}

function done(page: IncidentPage) {
  const all = [...page.view.leases, ...page.view.acts].filter((one) => !isWaiting(one));
  if (all.length === 0) return html`<p>Nothing yet.</p>`;
  return html`<ul class="plain">
    ${all
      .toReversed()
      .map(
        (one) =>
          html`<li>
            ${mitigationText(one)}
            ${
              "share" in one && isLive(one) && !one.shadow
                ? html`<div class="deeds">
                    ${form(page, "revert", one.id, wordsIfAny)}
                    ${form(page, "extend", one.id, choice("By how long", "by", EXTENSIONS.map(same)))}
                  </div>`
                : ""
            }
          </li>`,
      )}
  </ul>`;
}

const mitigationText = (one: LeaseView | ActView): string =>
  "share" in one
    ? `${leaseText(one)}${one.about === undefined || one.about === "" ? "" : ` (${one.about})`}`
    : actText(one);

function checklist(page: IncidentPage) {
  const items = page.view.checklist ?? [];
  if (items.length === 0) return "";
  return html`<h2>Checklist</h2>
    <ul class="plain checks">
      ${items.map(
        (item) =>
          html`<li>
            <span>${item.isTicked ? "☑" : "☐"} ${item.text} ${wordOn(item)}</span>
            ${ticking(page, item)}
          </li>`,
      )}
    </ul>`;
}

const wordOn = ({ word }: ItemView) =>
  word === null
    ? ""
    : html`<span class="dim"
        >(${word.by}, ${utcTime(word.atMs)} UTC${word.why === "" ? "" : `: ${word.why}`})</span
      >`;

const ticking = (page: IncidentPage, { item, text, isTicked }: ItemView) =>
  isTicked || !page.caller.mayAct
    ? ""
    : html`<form method="post" action="${pathOf(page.view.id)}/tick">
        ${hidden(page, String(item))}
        <button class="quiet" aria-label="Tick: ${text}">${DEEDS.tick.label}</button>
      </form>`;

/** What is needed less often, and what ends it. */
function more(page: IncidentPage) {
  const { view, site } = page;
  const note = form(page, "note", null, words("What the others should know", "text"));
  if (view.status === "resolved") {
    const text = area("In Markdown", "markdown", {
      usual: page.postmortem,
      rows: 24,
      max: POSTMORTEM_CHARS_MAX,
    });
    return html`<h2>Say or do more</h2>
      ${form(page, "postmortem", null, text)}
      ${view.postmortem === "completed" ? "" : form(page, "complete", null, wordsIfAny)} ${note}
      ${form(page, "reopen", null, why)}`;
  }
  const fires = view.firingRules.join(", ");
  return html`<h2>Say or do more</h2>
    ${note} ${form(page, "updates", null, words("What everybody may read", "message"), howItStands)}
    ${form(page, "severity", null, choice("Severity", "severity", severities.options.map(same), view.severity), why)}
    ${form(page, "escalate", null, why)}
    ${
      site.suppliers.length === 0
        ? ""
        : form(page, "support", null, choice("Whom", "supplier", site.suppliers.map(named)), why)
    }
    ${
      view.lead === null
        ? ""
        : form(page, "hand-over", null, line("To whom", "to"), words("What they must know", "note"))
    }
    ${form(
      page,
      "resolve",
      null,
      fires === "" ? wordsIfAny : words(`It still fires (${fires}): why is it over?`, "why"),
    )}`;
}

function story({ timeline, view }: IncidentPage) {
  const shown = timeline.slice(-LINES_MAX);
  return html`<ol class="plain">
      ${shown.toReversed().map(({ atMs, text }) => html`<li><time>${utcTime(atMs)}</time> ${plain(text)}</li>`)}
    </ol>
    ${
      shown.length === timeline.length
        ? ""
        : html`<p class="dim">
            ${timeline.length - shown.length} earlier lines are in
            <a href="${OWN_PREFIX}/api/v1/incidents/${view.id}/journal">the journal</a>.
          </p>`
    }`;
}

/** Done at once: what can be taken back, or harms nobody. */
const button = (page: IncidentPage, name: DeedName) =>
  page.caller.mayAct
    ? html`<form method="post" action="${pathOf(page.view.id)}/${name}">
        ${hidden(page, null)}<button>${DEEDS[name].label}</button>
      </form>`
    : "";

/** Opened first, so that no thumb does it by mistake; open already where it was just refused, with what was written in it. */
function form(
  page: IncidentPage,
  name: DeedName,
  about: string | null,
  ...fields: readonly Field[]
) {
  if (!page.caller.mayAct) return "";
  const { refused } = page;
  const isRefused = refused?.deed === name && (refused.written["about"] ?? null) === about;
  const written = isRefused ? refused.written : {};
  const { label, warning } = DEEDS[name];
  return html`<details ${isRefused ? "open" : ""}>
    <summary>${label}</summary>
    ${warning === null ? "" : html`<p>${warning}</p>`}
    <form method="post" action="${pathOf(page.view.id)}/${name}">
      ${hidden(page, about)} ${fields.map((field) => field(written))}
      <button>${label}</button>
    </form>
  </details>`;
}

const hidden = ({ press }: IncidentPage, about: string | null) =>
  html`<input type="hidden" name="press" value="${press}" />${
      about === null ? "" : html`<input type="hidden" name="about" value="${about}" />`
    }`;

/** One of a form, with what was written in it before. */
type Field = (written: Readonly<Record<string, string>>) => ReturnType<typeof html>;

type Area = {
  readonly isOptional?: boolean;
  readonly usual?: string;
  readonly rows?: number;
  readonly max?: number;
};
const area =
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

const words = (label: string, name: string): Field => area(label, name);
const why: Field = words("Why", "why");
const wordsIfAny: Field = area("Why, if there is something to say", "why", { isOptional: true });

const line =
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

const choice =
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

/** What a choice sends, and how it reads. */
type Option = readonly [string, string];
const same = (value: string): Option => [value, value];
const named = ({ id, name }: { readonly id: string; readonly name: string }): Option => [id, name];

const howItStands: Field = choice("How it stands", "status", [
  ["", "as it is"],
  ...PUBLIC_STATUSES.filter((status) => status !== "resolved").map((status): Option => [
    status,
    STATUS_WORDS[status],
  ]),
]);
