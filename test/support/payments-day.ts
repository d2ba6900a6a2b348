/** What every payments gameday has beside its orders: rows of a journal, one page, and an end that the public read. */
import type { JournalRow } from "../../gamedays/firebreak.ts";
import type { Seen } from "../../gamedays/payments-expectations.ts";

export const aRow = (type: string, atMs: number, data: object = {}): JournalRow =>
  ({ type, at: new Date(atMs).toISOString(), data }) as unknown as JournalRow;

/** One page at that time, delivered once. */
export const pagedAt = (firstAtMs: number): Seen["pager"] => ({
  pages: [
    {
      id: "dlv_1",
      firstAtMs,
      deliveries: 1,
      payload: { data: { incident: "inc_1", message: "opened", subject: "payments fail" } },
    },
  ],
  refused: 0,
});

export const ENDED: Seen["after"] = {
  policyEntries: [],
  postmortem: "## Timeline\n- all of it",
  publicStatuses: ["investigating", "resolved"],
  openIncidents: [],
};
