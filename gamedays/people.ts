/** What people did in an incident, and what still waits for one, each with why Firebreak did not do it: by its journal, its checklist and its post-mortem. */
import { z } from "zod";
import { actionItemsIn } from "../src/postmortem/action-items.ts";
import type { Firebreak, Incident, JournalRow } from "./firebreak.ts";
import type { PersonsPart, Report } from "./gameday.ts";

/** What an incident says of itself once the gameday is over. */
export type Told = {
  readonly incident: Incident;
  readonly rows: readonly JournalRow[];
  readonly postmortem: string;
};

/** The report with what its incident says of people; without an incident there is nothing to add. @throws {Error} when it cannot be read. */
export async function withPeople(firebreak: Firebreak, report: Report): Promise<Report> {
  const { incident: id } = report;
  if (id === null) return report;
  const told: Told = {
    incident: await firebreak.incident(id),
    rows: await firebreak.journalOf(id),
    postmortem: await firebreak.postmortem(id),
  };
  return { ...report, people: peopleIn(told, report.people ?? []) };
}

/** First what was done, in the order of time; `byHand` is what Firebreak saw nothing of. Pure. */
export function peopleIn(told: Told, byHand: readonly PersonsPart[]): readonly PersonsPart[] {
  const done = [...byHand, ...doneIn(told.rows)];
  return [
    ...done.toSorted((a, b) => (a.doneAtMs ?? Infinity) - (b.doneAtMs ?? Infinity)),
    ...itemsLeft(told),
    ...mitigationsLeft(told.incident),
    ...failuresLeft(told.rows),
    ...postmortemLeft(told),
  ];
}

const data = z.looseObject({
  leaseId: z.string().optional(),
  actId: z.string().optional(),
  actuator: z.string().optional(),
  step: z.string().optional(),
  mode: z.string().optional(),
  approvals: z.int().optional(),
  release: z.string().optional(),
  severity: z.string().optional(),
  says: z.string().optional(),
  text: z.string().optional(),
  why: z.string().optional(),
  to: z.string().optional(),
  message: z.string().optional(),
  supplier: z.string().optional(),
});
type Data = z.infer<typeof data>;

const dataOf = (row: JournalRow): Data => data.safeParse(row.data).data ?? {};
const subjectOf = ({ leaseId, actId }: Data): string | undefined => leaseId ?? actId;

/** What is known of the mitigation that a row is about: as it was proposed, and what it would do. */
function mitigationOf(rows: readonly JournalRow[], about: Data): Data {
  const own = rows.map(dataOf).filter((one) => subjectOf(one) === subjectOf(about));
  const proposed = own.find(({ actuator }) => actuator !== undefined) ?? {};
  const says = own.find((one) => one.says !== undefined)?.says;
  return { ...proposed, ...(says === undefined ? {} : { says }) };
}

const PERSON = "person";

type Part = Pick<PersonsPart, "what" | "why">;

/** Only what a person said; what followed from it, the machine did. */
const SAID: Readonly<
  Record<string, (said: Data, about: Data, rows: readonly JournalRow[]) => Part>
> = {
  "incident.acknowledged": (_, __, rows) => ({
    what: "acknowledged it",
    why: `${severityOf(rows)}: people are asked until one of them answers`,
  }),
  "incident.lead_taken": () => ({ what: "took the lead", why: "nobody led it" }),
  "incident.severity_set": ({ to, why }) => ({ what: `called it ${to}`, why: quoted(why) }),
  "incident.escalated": ({ why }) => ({ what: "called for more people", why: quoted(why) }),
  "incident.support_asked": ({ supplier, why }) => ({
    what: `asked ${supplier} for help`,
    why: quoted(why),
  }),
  "incident.resolved": ({ why }) => ({ what: "resolved it", why: quoted(why) }),
  "act.approved": agreed,
  "lease.approved": agreed,
  "act.declined": refused,
  "lease.declined": refused,
  "lease.reverting": ({ why }, { actuator, release }) => ({
    what: `took ${actuator} back`,
    why: `${release === "manual" ? "it is held until a person lets go" : "a person's decision"}; ${quoted(why)}`,
  }),
  "act.proposed": asked,
  "lease.proposed": asked,
  "checklist.ticked": ({ text, why }) => ({ what: `ticked: ${text}`, why: quoted(why) }),
  "checklist.unticked": ({ text, why }) => ({ what: `opened again: ${text}`, why: quoted(why) }),
  "status.published": ({ message }) => ({
    what: "told the public",
    why: `beyond the templates; ${quoted(message)}`,
  }),
  "postmortem.completed": ({ why }) => ({ what: "completed the post-mortem", why: quoted(why) }),
};

const quoted = (why: string | undefined): string =>
  why === undefined || why === "" ? "no reason given" : `"${why}"`;

/** Why it waited for a word at all, and the word. */
function agreed({ why }: Data, { actuator, step, mode, approvals, says }: Data): Part {
  const needs =
    approvals !== undefined && approvals > 1
      ? `it needs ${approvals} different people`
      : mode === "approve"
        ? `step ${step} waits for a person's word`
        : "a person asked for it";
  return {
    what: `agreed to ${actuator}${says === undefined ? "" : `: ${says}`}`,
    why: `${needs}; ${quoted(why)}`,
  };
}

function refused({ why }: Data, { actuator }: Data): Part {
  return { what: `decided against ${actuator}`, why: quoted(why) };
}

function asked(_: Data, { actuator }: Data): Part {
  return { what: `asked for ${actuator}`, why: "no step of the playbook proposes it" };
}

/** As it was opened, or as it has been called since. */
function severityOf(rows: readonly JournalRow[]): string {
  const called = rows.flatMap((row) => {
    const { severity, to } = dataOf(row);
    if (row.type === "incident.opened") return severity ?? [];
    return row.type === "incident.severity_set" ? (to ?? []) : [];
  });
  return called.at(-1) ?? "unknown severity";
}

const doneIn = (rows: readonly JournalRow[]): readonly PersonsPart[] =>
  rows.flatMap((row) => {
    const words = SAID[row.type];
    if (row.actor.kind !== PERSON || words === undefined) return [];
    const said = dataOf(row);
    const until = rows.filter(({ seq }) => seq <= row.seq);
    return [{ ...words(said, mitigationOf(until, said), until), doneAtMs: Date.parse(row.at) }];
  });

const open = (what: string, why: string): PersonsPart => ({ what, why, doneAtMs: null });

const opened = z.looseObject({
  playbook: z.looseObject({
    spec: z.looseObject({
      checklist: z.array(
        z.union([
          z.string(),
          z.looseObject({
            when: z.string().optional(),
            collected: z.array(z.string()).optional(),
            effective: z.string().optional(),
            recorded: z.string().optional(),
          }),
        ]),
      ),
    }),
  }),
});

/** Why an item of the checklist is not ticked: opened again, or by what would have ticked it, as the playbook has it. */
function itemsLeft({ incident: { checklist }, rows }: Told): readonly PersonsPart[] {
  const opening = opened.safeParse(rows.find(({ type }) => type === "incident.opened")?.data);
  const declared = opening.data?.playbook.spec.checklist ?? [];
  return checklist
    .filter(({ ticked }) => !ticked)
    .map(({ item, text, why }) =>
      open(text, why === null ? unseen(declared[item]) : `opened again: ${why}`),
    );
}

const NOT_RECORDED: Readonly<Record<string, string>> = {
  status_page: "the status page does not say that it is over",
  customers_mailed: "no receipt says that customers were mailed of its end",
  postmortem_owed: "nobody owes a post-mortem of it",
};

function unseen(item: z.infer<typeof opened>["playbook"]["spec"]["checklist"][number] | undefined) {
  if (item === undefined || typeof item === "string") {
    return "nothing that Firebreak watches can show it";
  }
  const { when, collected = [], effective, recorded } = item;
  if (when !== undefined) return `it was not seen, or not known, that ${when}`;
  if (recorded !== undefined) return NOT_RECORDED[recorded] ?? recorded;
  if (effective !== undefined) return `step ${effective} was not seen to help`;
  return `not all evidence for it could be had: ${collected.join(", ")}`;
}

type Mitigation = Incident["mitigations"][number];

/** Nobody else decides on them, finds out about them, or lets go of them. */
const mitigationsLeft = ({ mitigations }: Incident): readonly PersonsPart[] =>
  mitigations.flatMap((one) => {
    const { what, why } = (one.kind === "act" ? actLeft(one) : leaseLeft(one)) ?? {};
    return what === undefined || why === undefined ? [] : [open(what, why)];
  });

function actLeft({ status, actuator, says, approvals, why }: Mitigation): Part | null {
  switch (status) {
    case "proposed":
    case "waiting":
      return {
        what: `decide on ${actuator}${says === null ? "" : `: ${says}`}`,
        why:
          approvals === null
            ? "it waits for a person's word"
            : `it needs ${approvals.needed} different people, and ${approvals.by.length} agreed`,
      };
    case "unclear":
      return { what: `find out whether ${actuator} was done`, why: "its answer never came" };
    case "ineffective":
      return { what: `look what ${actuator} did`, why: `it did not help, and stays: ${why}` };
    default:
      return null;
  }
}

const IN_FORCE: ReadonlySet<Mitigation["status"]> = new Set([
  "applied",
  "effective",
  "ineffective",
  "releasing",
]);

function leaseLeft({ status, actuator, expiresAt, why }: Mitigation): Part | null {
  if (status === "proposed") {
    return { what: `decide on ${actuator}`, why: "it waits for a person's word" };
  }
  if (status === "failed") return { what: `look what ${actuator} left behind`, why };
  if (!IN_FORCE.has(status)) return null;
  const end = expiresAt === null ? "" : `, until ${expiresAt}`;
  return { what: `take ${actuator} back, or let it run out`, why: `it is still in force${end}` };
}

const outcome = z.looseObject({
  collector: z.string().optional(),
  deliveryId: z.string().optional(),
  failure: z.looseObject({ detail: z.string() }).optional(),
});

/** What was not had, or not said, in the end. */
const failuresLeft = (rows: readonly JournalRow[]): readonly PersonsPart[] =>
  rows.flatMap(({ seq, type, data: given }) => {
    const { collector, deliveryId, failure } = outcome.safeParse(given).data ?? {};
    const later = rows
      .filter((one) => one.seq > seq && ENDED_WELL.has(one.type))
      .map((one) => outcome.safeParse(one.data).data);
    const isMended = later.some(
      (one) => one?.collector === collector && one?.deliveryId === deliveryId,
    );
    if (failure === undefined || isMended) return [];
    if (type === "evidence.failed") return [open(`look at ${collector} by hand`, failure.detail)];
    return type === "message.failed"
      ? [open("tell by hand what was not said", failure.detail)]
      : [];
  });

const ENDED_WELL: ReadonlySet<string> = new Set(["evidence.collected", "message.delivered"]);

const NOT_KNOWN = /not known yet/gi;

/** Whose it is, how much of it only its owner can write, and what the machine itself asks for in it. */
function postmortemLeft({ incident, postmortem }: Told): readonly PersonsPart[] {
  if (incident.postmortem === "completed") return [];
  const owner =
    incident.lead === null ? "nobody owns it, as nobody led" : `${incident.lead}'s, who led`;
  const gaps = postmortem.match(NOT_KNOWN)?.length ?? 0;
  return [
    open(
      "complete the post-mortem",
      `${owner}; it is ${incident.postmortem}, and says "not known yet" ${gaps} times`,
    ),
    ...actionItemsIn(postmortem)
      .filter(({ isDone }) => !isDone)
      .map(({ owner: whose, action, dueAtMs }) => {
        const due = dueAtMs === null ? "no due date yet" : `due ${lastDay(dueAtMs)}`;
        return open(action, `asked for in it; ${whose ?? "no owner yet"}, ${due}`);
      }),
  ];
}

/** The day that ends then. */
const lastDay = (endMs: number): string => new Date(endMs - 1).toISOString().slice(0, 10);
