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
import { plain, visible } from "../postmortem/markdown.ts";
import type { TimelineLine } from "../postmortem/timeline.ts";
import { POSTMORTEM_CHARS_MAX } from "../postmortem/text.ts";
import { formatDuration } from "../shared/duration.ts";
import { utcMoment, utcTime } from "../shared/utc.ts";
import { STATUS_WORDS } from "../status-page/words.ts";
import { EXTENSIONS } from "./deeds.ts";
import {
  area,
  button,
  choice,
  fixed,
  form,
  line,
  named,
  pathOf,
  same,
  says,
  why,
  words,
  wordsIfAny,
  type Field,
  type FormsPage,
  type Option,
  type Subject,
} from "./forms.ts";
import { frame } from "./frame.ts";
import { whatWasWritten } from "./problem.ts";

/** The newest of what happened; the journal has all of it. */
export const LINES_MAX = 100;
const READINGS_MAX = 12;

/** A reading, and when the journal took it down. */
export type Dated = { readonly reading: Evidence; readonly atMs: number };

export type IncidentPage = FormsPage & {
  readonly view: IncidentView;
  /** Oldest first. */
  readonly timeline: readonly TimelineLine[];
  /** The last of each signal, the newest first. */
  readonly readings: readonly Dated[];
  readonly site: {
    readonly title: string;
    readonly suppliers: readonly { readonly id: string; readonly name: string }[];
  };
  /** When somebody must have answered. */
  readonly respondByMs: number;
  /** What may be said in public, where an update is due; null where none is. */
  readonly draft: string | null;
  /** As it stands, in Markdown, and in which row somebody saved it; null while the incident is open. */
  readonly postmortem: { readonly markdown: string; readonly savedAt: number } | null;
  readonly nowMs: number;
};

export function incidentPage(page: IncidentPage) {
  const { view, site, caller, refused, nowMs } = page;
  const drill = view.drill ? "Drill: " : "";
  const last = page.timeline.at(-1);
  return frame(
    `${refused === null ? "" : "Not done – "}${drill}${view.severity} ${visible(view.title)} – ${site.title}`,
    html`<p class="dim">
        ${site.title} · as of ${utcTime(nowMs)} UTC · <a href="${pathOf(view.id)}">Look again</a>
      </p>
      ${view.drill ? html`<p class="notice">A drill, not a real incident.</p>` : ""}
      <h1>${view.severity}: ${visible(view.title)}</h1>
      <p class="state ${stateOf(view)}" role="status">${standing(page)}</p>
      ${last === undefined ? "" : html`<p>Latest, ${utcMoment(last.atMs, nowMs)} UTC: ${plain(last.text)}</p>`}
      ${
        refused === null
          ? ""
          : html`<p class="notice" role="alert">Nothing was done: ${refused.because}.</p>
              ${whatWasWritten(refused.written)}`
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
      ? `Resolved after ${lasts}; it began at ${utcMoment(onsetAtMs, nowMs)} UTC`
      : `${status} for ${lasts}, since ${utcMoment(onsetAtMs, nowMs)} UTC`;
  return `${stands}. Lead: ${view.lead ?? "nobody yet"}. Acknowledged by ${view.acknowledgedBy ?? "nobody yet"}.`;
}

function asked(page: IncidentPage) {
  const { view, respondByMs, nowMs } = page;
  if (view.status === "resolved") {
    const open = (view.actions ?? []).filter(({ isDone }) => !isDone).length;
    const left = [
      ...(view.postmortem === "completed" ? [] : ["the post-mortem"]),
      ...(open === 0 ? [] : [`${open} of what was agreed on in it: tick there what is done`]),
    ];
    return html`<p>
      Nothing right now${left.length === 0 ? "" : `, but for ${left.join(", and ")}`}.
    </p>`;
  }
  const due =
    nowMs < respondByMs
      ? `An answer is due by ${utcMoment(respondByMs, nowMs)} UTC.`
      : `An answer was due at ${utcMoment(respondByMs, nowMs)} UTC.`;
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
          <p>${mitigationText(one, page.nowMs)}</p>
          <p class="dim">Why: ${visible(one.why === "" ? one.step : one.why)}</p>
          <div class="deeds">
            ${form(page, "approve", subjectOf(one), ...whoElse(one), wordsIfAny)}
            ${form(page, "decline", subjectOf(one), wordsIfAny)}
          </div>
        </div>`,
    )}`;
}

/** What takes several people is not done by the first of them. */
const whoElse = (one: LeaseView | ActView): readonly Field[] =>
  "approvals" in one && one.approvals !== undefined
    ? [says(`It takes ${one.approvals.needed} people, each for themselves.`)]
    : [];

function wrong({ view, readings, nowMs }: IncidentPage) {
  const known = readings.map(({ reading }) => reading);
  return html`<p>${impactText(view, known)}</p>
    <ul>
      ${view.firingRules.map((rule) => html`<li>Rule ${rule} fires</li>`)}
      ${readings
        .slice(0, READINGS_MAX)
        .map(
          ({ reading, atMs }) =>
            html`<li>${readingText(reading)} <time>(${utcMoment(atMs, nowMs)} UTC)</time></li>`,
        )}
    </ul>
    ${view.firingRules.length === 0 ? html`<p>No rule fires now.</p>` : ""}
    ${(view.links ?? []).map(
      ({ kind, target, says: words }) =>
        html`<p>Belongs to ${kind} ${visible(target)}: ${visible(words)}</p>`,
    )}`;
}

function done(page: IncidentPage) {
  const all = [...page.view.leases, ...page.view.acts].filter((one) => !isWaiting(one));
  if (all.length === 0) return html`<p>Nothing yet.</p>`;
  return html`<ul class="plain">
    ${all.toReversed().map((one) => html`<li>${mitigationText(one, page.nowMs)} ${wayBack(page, one)}</li>`)}
  </ul>`;
}

const wayBack = (page: IncidentPage, one: LeaseView | ActView) =>
  "share" in one && isLive(one) && !one.shadow
    ? html`<div class="deeds">
        ${form(page, "revert", subjectOf(one), wordsIfAny)}
        ${form(page, "extend", subjectOf(one), choice("By how long", "by", EXTENSIONS.map(same)))}
      </div>`
    : "";

const subjectOf = ({ id, actuator }: LeaseView | ActView): Subject => ({ id, name: actuator });

const mitigationText = (one: LeaseView | ActView, nowMs: number): string =>
  visible(
    "share" in one
      ? `${leaseText(one, nowMs)}${one.about === undefined || one.about === "" ? "" : ` (${one.about})`}`
      : actText(one),
  );

function checklist(page: IncidentPage) {
  const items = page.view.checklist ?? [];
  if (items.length === 0) return "";
  return html`<h2>Checklist</h2>
    <ul class="plain checks">
      ${items.map(
        (item) =>
          html`<li>
            <span>${item.isTicked ? "☑" : "☐"} ${item.text} ${wordOn(item, page.nowMs)}</span>
            ${ticking(page, item)}
          </li>`,
      )}
    </ul>`;
}

const wordOn = ({ word }: ItemView, nowMs: number) =>
  word === null
    ? ""
    : html`<span class="dim"
        >(${word.by}, ${utcMoment(word.atMs, nowMs)}
        UTC${word.why === "" ? "" : `: ${visible(word.why)}`})</span
      >`;

function ticking(page: IncidentPage, { item, text, isTicked }: ItemView) {
  const subject = { id: String(item), name: text };
  return isTicked ? form(page, "untick", subject, why) : button(page, "tick", subject);
}

/** What is needed less often, and what ends it. */
function more(page: IncidentPage) {
  const { view, site } = page;
  const note = form(page, "note", null, words("What the others should know", "text"));
  if (page.postmortem !== null) {
    const { markdown: usual, savedAt } = page.postmortem;
    return html`<h2>Say or do more</h2>
      ${form(
        page,
        "postmortem",
        null,
        fixed("saved_at", String(savedAt)),
        area("In Markdown", "markdown", { usual, rows: 24, max: POSTMORTEM_CHARS_MAX }),
      )}
      ${view.postmortem === "completed" ? "" : form(page, "complete", null, wordsIfAny)} ${note}
      ${form(page, "reopen", null, why)}`;
  }
  const fires = view.firingRules.join(", ");
  const whom = choice("Whom", "supplier", site.suppliers.map(named));
  return html`<h2>Say or do more</h2>
    ${note}
    ${form(
      page,
      "updates",
      null,
      area("What everybody may read", "message", { usual: page.draft ?? "" }),
      howItStands,
    )}
    ${form(page, "severity", null, choice("Severity", "severity", severities.options.map(same), view.severity), why)}
    ${form(page, "escalate", null, why)}
    ${
      site.suppliers.length === 0
        ? ""
        : html`${form(page, "support", null, whom, why)}
          ${form(page, "support-answer", null, whom, words("What they say", "text"))}`
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

function story({ timeline, view, nowMs }: IncidentPage) {
  const shown = timeline.slice(-LINES_MAX);
  const earlier = view.seq - shown.length;
  return html`<ol class="plain">
      ${shown
        .toReversed()
        .map(
          ({ atMs, text }) => html`<li><time>${utcMoment(atMs, nowMs)}</time> ${plain(text)}</li>`,
        )}
    </ol>
    ${
      earlier <= 0
        ? ""
        : html`<p class="dim">
            ${earlier} earlier lines are in
            <a href="${OWN_PREFIX}/api/v1/incidents/${view.id}/journal">the journal</a>.
          </p>`
    }`;
}

const howItStands: Field = choice("How it stands", "status", [
  ["", "as it is"],
  ...PUBLIC_STATUSES.filter((status) => status !== "resolved").map((status): Option => [
    status,
    STATUS_WORDS[status],
  ]),
]);
