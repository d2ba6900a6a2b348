/** What every gameday does with its incident: finds it, follows its journal and tells it, answers the pager. */
import type { Firebreak, JournalRow, PublicUpdate } from "./firebreak.ts";
import type { Field } from "./gameday.ts";
import { narrate } from "./narrate.ts";
import { readPager } from "./pager.ts";
import { until } from "./until.ts";

/** What a gameday gathers of its incident while it goes; what never came stays empty. */
export type IncidentLog = {
  faultAtMs: number | null;
  readonly rows: JournalRow[];
};

export type Watched = { readonly field: Field; readonly firebreak: Firebreak };

/** The open incident of a playbook; null while there is none. */
export async function openIncidentOf(
  firebreak: Firebreak,
  playbook: string,
): Promise<string | null> {
  const open = await firebreak.openIncidents();
  return open.find((incident) => incident.playbook === playbook)?.id ?? null;
}

/** Collects the journal since the fault and tells it; ends with the resolution. */
export async function follow(
  { field, firebreak }: Watched,
  incident: string,
  log: IncidentLog,
): Promise<void> {
  for await (const row of firebreak.journal(incident, field.signal)) {
    if (Date.parse(row.at) < (log.faultAtMs ?? 0)) continue;
    log.rows.push(row);
    const sentence = narrate(row);
    if (sentence !== null) field.say(sentence);
  }
}

/** What is left once an incident is over. */
export type Aftermath = {
  readonly policyEntries: readonly { readonly id: string; readonly kind: string }[];
  readonly postmortem: string;
  /** What the status page said of it, first to last. */
  readonly publicUpdates: readonly PublicUpdate[];
  /** Titles of the incidents that are open then. */
  readonly openIncidents: readonly string[];
};

export const aftermathOf = async (firebreak: Firebreak, incident: string): Promise<Aftermath> => ({
  policyEntries: await firebreak.policyEntries(),
  postmortem: await firebreak.postmortem(incident),
  publicUpdates: await firebreak.publicUpdates(incident),
  openIncidents: (await firebreak.openIncidents()).map(({ title }) => title),
});

/** The on-call hears the pager, says so, and takes the lead. */
export async function answerThePager(
  { field, firebreak }: Watched,
  incident: string,
  log: IncidentLog,
  patience: Parameters<typeof until>[2],
): Promise<void> {
  const page = await until(
    "the on-call is paged",
    async () => {
      const { pages } = await readPager(field.stack, log.faultAtMs ?? 0);
      return pages.find(({ payload }) => payload.data.incident === incident) ?? null;
    },
    patience,
  );
  field.say(`the on-call's pager: ${page.payload.data.subject}`);
  await firebreak.command(incident, "acknowledge");
  await firebreak.command(incident, "lead");
}

export const countOf = ({ rows }: Pick<IncidentLog, "rows">, type: string): number =>
  rows.filter((row) => row.type === type).length;

export const hasRow = (log: Pick<IncidentLog, "rows">, type: string): boolean =>
  countOf(log, type) > 0;

/** Why a gameday was broken off, for its report. */
export function reasonOf({ signal }: Field, error: unknown): string {
  const reason: unknown = signal.aborted ? signal.reason : error;
  return reason instanceof Error ? reason.message : String(reason);
}
