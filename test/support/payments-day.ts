/** What every payments gameday has beside its orders: rows of a journal, and an end that the public read. */
import type { JournalRow } from "../../gamedays/firebreak.ts";
import type { Seen } from "../../gamedays/payments-expectations.ts";
import type { ToldSpec } from "../../gamedays/told-expectations.ts";
import { publicUpdates } from "./heard.ts";

export const aRow = (type: string, atMs: number, data: object = {}): JournalRow =>
  ({ type, at: new Date(atMs).toISOString(), data }) as unknown as JournalRow;

export const endedAs = (told: ToldSpec): NonNullable<Seen["after"]> => ({
  policyEntries: [],
  postmortem: "## Timeline\n- all of it",
  publicUpdates: publicUpdates(told),
  openIncidents: [],
});
