/**
 * The words of a message. Someone woken at 3 a.m. learns from this one text what is wrong, what was already done,
 * and what is asked of them. Every field has one source; what is not known says so.
 */
import { pages } from "../incidents/severity.ts";
import type { Link, LinkKind } from "../incidents/links.ts";
import type { ActView, IncidentView, LeaseView } from "../incidents/view.ts";
import { stakeText } from "../payments/unpaid.ts";
import { clip } from "../shared/clip.ts";
import { formatDuration } from "../shared/duration.ts";
import { shareText } from "../shared/share.ts";
import { utcMoment } from "../shared/utc.ts";
import { isWaiting } from "./buttons.ts";
import { fill } from "../playbooks/site-templates.ts";
import type { MessageSite } from "./message-site.ts";
import type { Evidence, MessageReason, News } from "./news.ts";
import { DRILL_PREFIX } from "./channel.ts";
import { ERRORS, HARMED } from "../signals/impact.ts";

export const SUBJECT_CHARS_MAX = 200;
export const BODY_CHARS_MAX = 8_000;
/** One text from outside, so that none crowds out what is asked. */
const LINE_CHARS_MAX = 300;
/** Of several pieces of news together. */
const NEWS_CHARS_MAX = 2_000;
const READINGS_MAX = 8;
const LEASES_MAX = 10;
const ACTS_MAX = 10;
const NOT_KNOWN = "not known yet";

export type MessageText = { readonly subject: string; readonly body: string };

const SUBJECT_WORDS: Readonly<Record<MessageReason, string>> = {
  opened: "opened",
  acknowledged: "acknowledged",
  severity_raised: "raised",
  severity_lowered: "lowered",
  approval_needed: "waits for your approval",
  mitigated: "mitigated",
  ineffective: "mitigation did not help",
  needs_person: "needs a person",
  lead_changed: "has another lead",
  escalated: "escalated",
  update_due: "needs a public update",
  follow_up_due: "has work that is due",
  support_asked: "waits for a supplier",
  support_answered: "has an answer of a supplier",
  recovery: "recovering",
  recovery_lost: "got worse again",
  released: "mitigation released",
  resolved: "resolved",
  reopened: "open again",
  alerts_joined: "has more alerts",
  flapping: "flaps",
  unmuted: "is still open",
  bundle: "has news",
};

/** Subject and body, plain text, at most `SUBJECT_CHARS_MAX` and `BODY_CHARS_MAX` characters. */
export function renderMessage(
  news: News,
  view: IncidentView,
  site: MessageSite,
  atMs: number,
): MessageText {
  const drill = view.drill ? DRILL_PREFIX : "";
  const subject = `${drill}${view.severity} ${SUBJECT_WORDS[news.why]}: ${view.title} (${site.title})`;
  const sections = [
    header(news, view, site, atMs),
    section("What is new", news.parts ?? [newsText(news)]),
    section("What is wrong", whatIsWrong(news, view)),
    section("What was done", deeds(view, atMs)),
    section("What is asked of you", asks(news, view, site, atMs)),
    ...(view.links === undefined ? [] : [section("What belongs to it", view.links.map(linkText))]),
    footer(view, site),
  ];
  return {
    subject: clip(oneLine(subject), SUBJECT_CHARS_MAX),
    body: clip(sections.join("\n\n"), BODY_CHARS_MAX),
  };
}

/** What is new, in one sentence on one line. */
export const newsText = (news: News): string =>
  news.parts === undefined ? `${oneLine(news.text)}.` : clip(news.parts.join(" "), NEWS_CHARS_MAX);

/** The page where people look at it and act; null when nobody said where the guard answers. */
export const incidentLink = (view: IncidentView, site: MessageSite): string | null =>
  site.url === null ? null : link(site, pagePath(view));

/** The mission's internal template, or the site's own. */
function header(
  news: News,
  view: IncidentView,
  { internal, title }: MessageSite,
  atMs: number,
): string {
  const { onsetAtMs, resolvedAtMs } = view.anchors;
  const words = fill<"internal">(internal, {
    severity: view.severity,
    title: oneLine(view.title),
    status: capitalised(view.status),
    impact: impactText(view, news.readings),
    lead: oneLine(view.lead ?? "nobody yet"),
    duration: formatDuration(Math.max(0, (resolvedAtMs ?? atMs) - onsetAtMs)),
    since: utcMoment(onsetAtMs, atMs),
    next_update: nextUpdate(view, news.why, atMs),
    site: title,
  });
  return `${view.drill ? "Drill, not a real incident. " : ""}${words}`;
}

/** What the public is told of it, the share that was just measured or else the worst that ever was, and what waits to be paid where somebody looked. */
export function impactText(
  { statusPage, stake, harm }: IncidentView,
  readings: readonly Evidence[],
): string {
  const share = harmText(readings) ?? worstText(harm);
  return [
    oneLine(statusPage?.message ?? NOT_KNOWN),
    ...(share === null ? [] : [`Measured: ${share}.`]),
    ...(stake === undefined ? [] : [`Revenue: ${stakeText(stake)}.`]),
  ].join(" ");
}

/** The best measure there is: what visitors meet, else what probes meet; null where neither was measured, or neither is harmed. */
function harmText(readings: readonly Evidence[]): string | null {
  const valueOf = (signal: string): number | null => {
    const value = readings.find((reading) => reading.signal === signal)?.value;
    return typeof value === "number" ? value : null;
  };
  const failing = valueOf(ERRORS);
  if (failing !== null) return failing > 0 ? failingText(failing, valueOf(HARMED)) : null;
  const passing = valueOf("probe.around_success_ratio");
  if (passing === null || passing >= 1) return null;
  const isAsked = readings.some(({ signal }) => signal === ERRORS);
  const probes = `${shareText(1 - passing)} of probes fail`;
  return isAsked ? `${probes}, and of visitors it is not known yet` : probes;
}

/** Of a message that comes without a measure of its own. */
const worstText = (harm: IncidentView["harm"]): string | null =>
  harm === undefined || harm.requests === null
    ? null
    : `at the worst, ${failingText(harm.requests, harm.visitors)}`;

/** Whoever is behind one address counts once: the share is of these, not of people. */
const failingText = (failing: number, harmed: number | null): string =>
  harmed === null || harmed === 0
    ? `${shareText(failing)} of requests fail`
    : `${shareText(failing)} of requests fail, and ${shareText(harmed)} of visitors (by address) met that`;

/** What was promised; who reads that it is due already was to say it. */
function nextUpdate(
  { status, updateDueAtMs }: IncidentView,
  why: MessageReason,
  atMs: number,
): string {
  if (status === "resolved") return "none, unless it opens again";
  if (why === "update_due") return "due now";
  return updateDueAtMs === undefined
    ? "as soon as something changes"
    : `as soon as something changes, and at ${utcMoment(updateDueAtMs, atMs)} UTC at the latest`;
}

function whatIsWrong(news: News, view: IncidentView): readonly string[] {
  const rules = view.firingRules.map((rule) => `Rule ${rule} fires`);
  const readings = news.readings.slice(0, READINGS_MAX).map(readingText);
  const lines = [...rules, ...readings];
  return lines.length === 0 ? ["No rule fires now."] : lines;
}

/** `"traffic.error_ratio = 0.82"`, or why there is no value. */
export const readingText = (reading: Evidence): string =>
  reading.value === undefined
    ? `${reading.signal} is unknown (${oneLine(reading.unknown ?? "no reason given")})`
    : `${reading.signal} = ${oneLine(String(reading.value))}`;

/** The newest are what matters at 3 a.m.; the journal has them all. */
function deeds({ leases, acts }: IncidentView, atMs: number): readonly string[] {
  if (leases.length + acts.length === 0) return ["Nothing yet."];
  const earlier = Math.max(0, leases.length - LEASES_MAX) + Math.max(0, acts.length - ACTS_MAX);
  return [
    ...(earlier > 0 ? [`${earlier} earlier mitigations`] : []),
    ...leases.slice(-LEASES_MAX).map((lease) => leaseText(lease, atMs)),
    ...acts.slice(-ACTS_MAX).map(actText),
  ];
}

/** `maintenance-mode: in force for every client until 14:02:11 UTC, confirmed`, and the like. */
export function actText({
  actuator,
  approvals,
  beside = false,
  says,
  status,
  why,
}: ActView): string {
  const what = oneLine(says);
  switch (status) {
    case "proposed":
      return `${actuator}: what it would do is being found out`;
    case "waiting":
      return `${actuator}: not done; it waits for ${whom(approvals)} (${what})`;
    case "performing":
      return `${actuator}: being done (${what})`;
    case "performed":
      return `${actuator}: done (${what})${beside ? "" : "; whether it helps is being checked"}`;
    case "effective":
      return `${actuator}: done (${what}), and it helped`;
    case "ineffective":
      return `${actuator}: done (${what}), and it did not help`;
    case "rehearsed":
      return `${actuator}: shadow only, nothing was done (${what})`;
    case "declined":
      return `${actuator}: not done (${oneLine(why)})`;
    case "failed":
      return `${actuator}: not done (${oneLine(why)})`;
    case "unclear":
      return `${actuator}: nobody can tell whether it was done (${oneLine(why)})`;
  }
}

function whom(approvals: ActView["approvals"]): string {
  if (approvals === undefined) return "a person";
  const { needed, by } = approvals;
  return by.length === 0 ? `${needed} people` : `${needed - by.length} more than ${by.join(", ")}`;
}

/** The same of a lease. */
export function leaseText(lease: LeaseView, nowMs: number): string {
  const { expiresAtMs } = lease;
  const until = expiresAtMs === null ? "" : ` until ${utcMoment(expiresAtMs, nowMs)} UTC`;
  const clients = lease.share >= 1 ? "every client" : `${percent(lease.share)} of clients`;
  if (lease.shadow)
    return `${lease.actuator}: shadow only, visitors notice nothing (${lease.step})`;
  switch (lease.status) {
    case "proposed":
      return `${lease.actuator}: not applied; it waits for a person`;
    case "applying":
      return `${lease.actuator}: being applied`;
    case "applied":
      return `${lease.actuator}: in force for ${clients}${until}; whether it helps is being checked`;
    case "effective":
      return `${lease.actuator}: in force for ${clients}${until}, confirmed`;
    case "releasing":
      return `${lease.actuator}: being released in stages, still in force for ${clients}${until}`;
    case "ineffective":
      return `${lease.actuator}: did not help; being taken back`;
    case "reverting":
      return `${lease.actuator}: being taken back`;
    case "reverted":
      return `${lease.actuator}: taken back`;
    case "expired":
      return `${lease.actuator}: ended by its own time limit`;
    case "declined":
      return `${lease.actuator}: declined by a person`;
    case "failed":
      return `${lease.actuator}: failed (${oneLine(lease.why)})`;
  }
}

function asks(news: News, view: IncidentView, site: MessageSite, atMs: number): readonly string[] {
  const lines = [
    ...peopleAsked(news, site),
    ...[...view.leases, ...view.acts].filter(isWaiting).map(approvalAsk),
    ...reasonAsks(news, view, site),
    ...responseAsks(view, site, atMs),
  ];
  return lines.length === 0
    ? ["Nothing right now."]
    : [...lines, `Do it here: ${link(site, pagePath(view))}`];
}

/** Whoever an escalation is for reads their name first. */
function peopleAsked({ people }: News, site: MessageSite): readonly string[] {
  const names = people.map((id) => site.people.find((one) => one.id === id)?.name ?? id);
  return names.length === 0 ? [] : [`It is your turn: ${names.map(oneLine).join(", ")}`];
}

function approvalAsk(mitigation: LeaseView | ActView): string {
  const { actuator, mode } = mitigation;
  const approve =
    mode === "manual" ? `Start ${actuator} if it is called for` : `Approve ${actuator}`;
  const needed = "approvals" in mitigation ? (mitigation.approvals?.needed ?? 1) : 1;
  const together = needed > 1 ? `, ${needed} people each for themselves` : "";
  return `${approve}${together}, or decline it`;
}

function reasonAsks(news: News, view: IncidentView, site: MessageSite): readonly string[] {
  if (news.draft !== null) {
    return [`Tell the public what is new, such as "${oneLine(news.draft)}"`];
  }
  if (news.why === "resolved" || news.why === "follow_up_due") return followUpAsks(view);
  const about = news.lease ?? news.act;
  if (news.why !== "needs_person" || about === null) return [];
  if (about.shadow) {
    return [`Apply ${about.actuator} if you agree: POST ${link(site, MITIGATIONS_PATH)}`];
  }
  return [`Look at what ${about.actuator} left behind, and decide what to do instead`];
}

/** What is left to do of an incident that is over. */
function followUpAsks(view: IncidentView): readonly string[] {
  const isOwed = pages(view.severity) && view.postmortem !== "completed";
  const isAgreed = view.actions?.some(({ isDone }) => !isDone) ?? false;
  return [
    ...(isOwed ? ["Complete the post-mortem"] : []),
    ...(isAgreed ? ["Tick in the post-mortem what is done, or give it another day"] : []),
  ];
}

/** An open incident that nobody answered asks for an answer, whatever else the message is about. */
function responseAsks(view: IncidentView, site: MessageSite, atMs: number): readonly string[] {
  if (view.status === "resolved") return [];
  const lines: string[] = [];
  if (view.acknowledgedBy === null) {
    const dueAtMs = view.anchors.detectedAtMs + site.escalation.respondMs[view.severity];
    const due =
      atMs < dueAtMs
        ? `by ${utcMoment(dueAtMs, atMs)} UTC`
        : `now; it was due at ${utcMoment(dueAtMs, atMs)} UTC`;
    lines.push(`Acknowledge ${due}`);
  }
  if (view.lead === null && pages(view.severity)) {
    lines.push("Take the lead");
  }
  return lines;
}

const LINK_WORDS: Readonly<Record<LinkKind, string>> = {
  incident: "Incident",
  ticket: "Ticket",
  alerts: "Alerts",
};
const linkText = ({ kind, target, says }: Link): string =>
  `${LINK_WORDS[kind]} ${oneLine(target)}${says === "" ? "" : `: ${oneLine(says)}`}`;

const footer = (view: IncidentView, site: MessageSite): string =>
  `Incident ${view.id}, ${view.instance}: ${link(site, pagePath(view))}`;

const MITIGATIONS_PATH = "/_firebreak/api/v1/mitigations";
const pagePath = (view: IncidentView): string => `/_firebreak/incidents/${view.id}`;
const link = (site: MessageSite, path: string): string =>
  `${site.url?.replace(/\/+$/, "") ?? ""}${path}`;

const section = (title: string, lines: readonly string[]): string =>
  `${title}:\n${lines.map((line) => `- ${line}`).join("\n")}`;

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** Text from outside cannot start a line of its own, and so cannot pose as a field of the message. */
const oneLine = (text: string): string =>
  clip(text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim(), LINE_CHARS_MAX);
