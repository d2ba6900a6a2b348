/**
 * What earlier versions wrote, kept for ever. A file here is never edited: when a version writes something new, it gets a
 * file of its own beside it, and both are read.
 */
import { describe, it } from "vitest";
import { evolve, react } from "../../../src/incidents/incident.ts";
import { EVENT_DATA, readEvent, type JournalRow } from "../../../src/incidents/journal.ts";
import { initialState, type IncidentState } from "../../../src/incidents/state.ts";
import { viewOf } from "../../../src/incidents/view-of.ts";
import { deliveryId } from "../../../src/shared/ids.ts";
import { INCIDENT_ID } from "../../support/incident.ts";
import {
  lifeOfActs,
  lifeOfAChecklist,
  lifeOfSelection,
  wholeLife,
} from "../../support/whole-life.ts";
import answers from "./golden/answers-1.json" with { type: "json" };
import effects from "./golden/effects-1.json" with { type: "json" };
import journal from "./golden/journal-1.json" with { type: "json" };
/** Written since updates fall due, and suppliers are asked. */
import people from "./golden/journal-1-people.json" with { type: "json" };
/** Written since what is public is said elsewhere too. */
import relayed from "./golden/journal-1-relayed.json" with { type: "json" };
/** Written since silences keep messages back. */
import quiet from "./golden/journal-1-quiet.json" with { type: "json" };
/** Written since post-mortems are chased. */
import chased from "./golden/journal-1-chased.json" with { type: "json" };
/** Written since links and hand-overs are. */
import linked from "./golden/journal-1-linked.json" with { type: "json" };
/** Written since what wakes nobody may wait. */
import held from "./golden/journal-1-held.json" with { type: "json" };
import published from "./golden/journal-1-published.json" with { type: "json" };
import reworded from "./golden/journal-1-reworded.json" with { type: "json" };
import later from "./golden/journal-later.json" with { type: "json" };
import actEffects from "./golden/effects-1-acts.json" with { type: "json" };
import actJournal from "./golden/journal-1-acts.json" with { type: "json" };
import checklistJournal from "./golden/journal-1-checklist.json" with { type: "json" };
/** Written since an acknowledgement is told, and messages carry what they are about. */
import toldActJournal from "./golden/journal-1-acts-told.json" with { type: "json" };
import toldAnswers from "./golden/answers-1-told.json" with { type: "json" };
import toldChecklistJournal from "./golden/journal-1-checklist-told.json" with { type: "json" };
import toldJournal from "./golden/journal-1-told.json" with { type: "json" };
import selectionEffects from "./golden/effects-1-selection.json" with { type: "json" };
import selectionJournal from "./golden/journal-1-selection.json" with { type: "json" };
/** Written since a second raise to the same severity is told too. */
import raisedAnswers from "./golden/answers-1-raised.json" with { type: "json" };
import raisedJournal from "./golden/journal-1-raised.json" with { type: "json" };
import view from "./golden/view-1.json" with { type: "json" };

const rows = journal as readonly JournalRow[];
/** Written since there are acts. */
const actRows = actJournal as readonly JournalRow[];
/** Written since checklists are kept. */
const checklistRows = checklistJournal as readonly JournalRow[];
const toldRows = toldJournal as readonly JournalRow[];
const raisedRows = raisedJournal as readonly JournalRow[];
const toldActRows = toldActJournal as readonly JournalRow[];
const toldChecklistRows = toldChecklistJournal as readonly JournalRow[];
/** Written since steps find out whom they are about. */
const selectionRows = selectionJournal as readonly JournalRow[];
const fold = (all: readonly JournalRow[]): IncidentState => all.reduce(evolve, initialState);

/** What people read may be worded anew, and the playbook's own schema is held by its own tests. */
const withoutWords = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      ["subject", "body", "news", "detail", "why", "spec"].includes(key) ? undefined : inner,
    ),
  );

/** Since one may be raised to the same severity again, the key of that message ends in where the journal was. */
function numbered(all: readonly JournalRow[]): readonly JournalRow[] {
  const text = (value: unknown): string => JSON.stringify(value);
  const renamed = new Map<string, string>();
  const requested = all.map((row): JournalRow => {
    const event = readEvent(row);
    if (event?.type !== "message.requested") return row;
    const { channel, message, deliveryId: before } = event.data;
    if (!message.startsWith("severity_")) return row;
    const first = all.find(({ cause, type }) => cause === row.cause && type === row.type);
    const key = `${message}:${(first?.seq ?? 0) - 1}`;
    const after = deliveryId(INCIDENT_ID, key, channel);
    renamed.set(before, after);
    return JSON.parse(text(row).replace(text(message), text(key)));
  });
  return requested.map((row) =>
    JSON.parse(text(row).replace(/dlv_[0-9a-f]{26}/g, (id) => renamed.get(id) ?? id)),
  );
}

describe("a journal of version 1", () => {
  it("holds every event that is ever written", ({ expect }) => {
    const written = new Set(
      [
        ...rows,
        ...actRows,
        ...checklistRows,
        ...selectionRows,
        ...reworded,
        ...published,
        ...people,
        ...relayed,
        ...quiet,
        ...chased,
        ...linked,
        ...held,
      ].map(({ type }) => type),
    );
    const never = Object.keys(EVENT_DATA).filter((type) => !written.has(type));
    expect(never).toEqual(["incident.triggered"]);
  });

  it("is read row by row", ({ expect }) => {
    for (const row of [
      ...rows,
      ...actRows,
      ...checklistRows,
      ...toldRows,
      ...raisedRows,
      ...toldActRows,
      ...toldChecklistRows,
      ...selectionRows,
      ...(relayed as readonly JournalRow[]),
    ])
      expect(readEvent(row), `${row.seq} ${row.type}`).not.toBeNull();
  });

  it("comes to the same picture", ({ expect }) => {
    const read = viewOf(fold(rows), null);
    if (read === null) throw new Error("it was opened");
    const { updates = [], reachedAtMs, mutes, mutedMessages, harm, ...picture } = read;
    expect(harm).toEqual({ requests: 1, visitors: null });
    expect({ mutes, mutedMessages }).toEqual({ mutes: [], mutedMessages: 0 });
    // Written before anything was said in public, it says what follows from its statuses.
    expect(updates.map(({ status }) => status).slice(0, 3)).toEqual([
      "investigating",
      "identified",
      "monitoring",
    ]);
    const again = rows.findLastIndex(({ type }) => type === "incident.reopened");
    const reached = rows.slice(again).find(({ type }) => type === "message.delivered");
    expect(reachedAtMs).toBe(reached?.atMs);
    expect(JSON.parse(JSON.stringify(picture))).toEqual({
      ...view,
      acts: [],
      checklist: [],
    });
  });

  it("asks for the same effects, to the byte", ({ expect }) => {
    expect(JSON.stringify(askedBy(rows))).toBe(JSON.stringify(effects));
    expect(JSON.stringify(askedBy(actRows))).toBe(JSON.stringify(actEffects));
    expect(JSON.stringify(askedBy(selectionRows))).toBe(JSON.stringify(selectionEffects));
  });

  it("is written the same today, to the byte", ({ expect }) => {
    const inBytes = (journal: readonly JournalRow[]): readonly string[] =>
      journal.map((row) => JSON.stringify(withoutWords(row)));
    expect(inBytes(wholeLife().journal)).toEqual(inBytes(raisedRows));
    expect(inBytes(lifeOfActs().journal)).toEqual(inBytes(numbered(toldActRows)));
    expect(inBytes(lifeOfAChecklist().journal)).toEqual(inBytes(numbered(toldChecklistRows)));
    expect(inBytes(lifeOfSelection().journal)).toEqual(inBytes(numbered(selectionRows)));
  });

  it("answers the same commands the same", ({ expect }) => {
    expect(withoutWords(wholeLife().asked)).toEqual(withoutWords(raisedAnswers));
  });
});

it("a mitigation reworded, as first written, is put in force again in the new words", ({
  expect,
}) => {
  // In the place of the row that failed to extend it.
  const before = rows.slice(0, 51);
  const [row] = reworded as readonly JournalRow[];
  if (row === undefined) throw new Error("the file has one row");
  const event = readEvent(row);
  const state = evolve(fold(before), row);
  const effect = event === null ? null : react(state, event, row.atMs);
  expect(effect).toMatchObject({ kind: "lease.apply", data: { with: { message: "Half done." } } });
});

it("a reminder, and what a supplier was asked and answered, are read as first written", ({
  expect,
}) => {
  const all = people as readonly JournalRow[];
  expect(all.map((row) => readEvent(row)?.type)).toEqual(all.map(({ type }) => type));
  const state = all.reduce(evolve, fold(rows.slice(0, 51)));
  expect(state).toMatchObject({
    reminders: 1,
    lastReminderAtMs: all[0]?.atMs,
    supportAsked: ["neon"],
  });
});

it("a post-mortem with what was agreed on, and a reminder, are read as first written", ({
  expect,
}) => {
  const [saved, reminded] = chased as readonly JournalRow[];
  if (saved === undefined || reminded === undefined) throw new Error("the file has two rows");
  const after = [saved, reminded].map((row, place) => ({ ...row, seq: rows.length + place + 1 }));
  expect(after.reduce(evolve, fold(rows))).toMatchObject({
    actions: [
      {
        owner: "ada",
        action: "Watch the replica's lag",
        dueAtMs: 1_800_489_600_000,
        isDone: false,
      },
      { owner: "grace", action: "Raise the pool", dueAtMs: 1_800_316_800_000, isDone: true },
    ],
    chasedAtMs: reminded.atMs,
  });
});

it("a hand-over and links are read as first written", ({ expect }) => {
  const all = linked as readonly JournalRow[];
  expect(all.map((row) => readEvent(row)?.type)).toEqual(all.map(({ type }) => type));
  const before = rows.slice(0, 51);
  const after = all.map((row, place) => ({ ...row, seq: before.length + place + 1 }));
  expect(after.reduce(evolve, fold(before))).toMatchObject({
    lead: "grace",
    links: [
      {
        kind: "incident",
        target: "inc_01JDE4M6Y3V5X8Z2Q7R9T1W0K4",
        says: "SEV-2 Orders are slow",
      },
    ],
  });
});

it("what waited and was told together is read as first written", ({ expect }) => {
  const all = held as readonly JournalRow[];
  const before = rows.slice(0, 51);
  const after = all.map((row, place) => ({ ...row, seq: before.length + place + 1 }));
  const waiting = after.slice(0, 2).reduce(evolve, fold(before));
  expect(waiting.heard["pager"]?.held.map(({ why }) => why)).toEqual(["lead_changed", "released"]);
  const told = after.reduce(evolve, fold(before));
  expect(told.heard["pager"]).toMatchObject({ held: [] });
  expect(told.heard["pager"]?.calmAtMs.at(-1)).toBe(all.at(-1)?.atMs);
  const [, , row] = after;
  const event = row === undefined ? null : readEvent(row);
  const effect = event === null ? null : react(told, event, 0);
  expect(effect).toMatchObject({
    data: { bundled: ["lead_changed:90", "released:lse_00000000000000000000000001"] },
  });
});

it("a silence, what it kept back and its end are read as first written", ({ expect }) => {
  const [silenced, kept, ended] = quiet as readonly JournalRow[];
  if (silenced === undefined || kept === undefined || ended === undefined) {
    throw new Error("the file has three rows");
  }
  const before = [silenced, kept].reduce(evolve, fold(rows.slice(0, 51)));
  expect(before).toMatchObject({
    mutes: [{ id: "sil_01", because: "silenced", matchers: ['playbook="small-outage"'] }],
    muted: { deliveries: new Set(["dlv_00000000000000000000000001"]), lastAtMs: kept.atMs },
  });
  expect(evolve(before, ended)).toMatchObject({
    muted: { deliveries: new Set(), lastAtMs: null },
    unmutedAtMs: ended.atMs,
  });
});

it("an update for the public, as first written, is the last that was said", ({ expect }) => {
  const [row] = published as readonly JournalRow[];
  if (row === undefined) throw new Error("the file has one row");
  const state = evolve(fold(rows.slice(0, row.seq - 1)), row);
  expect(state.updates.at(-1)).toEqual({
    seq: row.seq,
    atMs: row.atMs,
    status: "identified",
    message: "Orders are slow; none is lost.",
    component: null,
    facts: { harm: { requests: 1, visitors: null }, isPromised: true },
  });
});

function askedBy(journal: readonly JournalRow[]): unknown[] {
  const asked: unknown[] = [];
  let state = initialState;
  for (const row of journal) {
    state = evolve(state, row);
    const event = readEvent(row);
    const effect = event === null ? null : react(state, event, row.atMs);
    if (effect !== null) asked.push({ ...effect, id: `${row.seq}:0` });
  }
  return asked;
}

describe("a journal of a later version", () => {
  it("is kept, and folds as far as it is understood", ({ expect }) => {
    const all = [...rows, ...(later as readonly JournalRow[])];
    const state = fold(all);
    expect(state).toEqual({ ...fold(rows), seq: all.length });
  });

  it.for(["toString", "constructor", "__proto__"])("may call an event %s", (type, { expect }) => {
    const row = { ...rows[0], seq: rows.length + 1, type } as JournalRow;
    expect(fold([...rows, row])).toEqual({ ...fold(rows), seq: row.seq });
  });

  it("is known by its type and version, not by what it holds", ({ expect }) => {
    expect((later as readonly JournalRow[]).map((row) => readEvent(row)?.type ?? null)).toEqual([
      null,
      null,
      null,
      "incident.triggered",
    ]);
  });

  it("did the same before an acknowledgement was told, besides telling it", ({ expect }) => {
    expect(withoutMessages(toldAnswers)).toEqual(withoutMessages(answers));
  });
});

type Answers = readonly { readonly answer: { readonly events?: string[] } }[];
const withoutMessages = (all: Answers): readonly string[] =>
  all.flatMap(({ answer }) => answer.events ?? []).filter((event) => !event.startsWith("message."));
