/** An incident's journal as the gameday followed it, and the moments it tells. */
import { z } from "zod";
import type { JournalRow } from "./firebreak.ts";
import type { Times } from "./gameday.ts";

const opened = z.looseObject({ onsetAt: z.iso.datetime() });
const beside = z.looseObject({ actId: z.string(), beside: z.literal(true) });
const ofAct = z.looseObject({ actId: z.string() });
const leaseBeside = z.looseObject({ leaseId: z.string(), beside: z.literal(true) });
const ofLease = z.looseObject({ leaseId: z.string() });
const releasing = z.looseObject({ share: z.number() });

type JournalTimes = Omit<Times, "faultAtMs" | "enforcedAtMs">;

/** Of the rows since the fault, so that an incident that was reopened by it tells this time's story. */
export function timesIn(rows: readonly JournalRow[]): JournalTimes {
  const first = (...types: readonly string[]) =>
    atMs(rows.find(({ type }) => types.includes(type)));
  const last = (type: string) => atMs(rows.findLast((row) => row.type === type));
  const opening = opened.safeParse(rows.find(({ type }) => type === "incident.opened")?.data);
  const besides = rows.flatMap(
    ({ data }) =>
      beside.safeParse(data).data?.actId ?? leaseBeside.safeParse(data).data?.leaseId ?? [],
  );
  return {
    onsetAtMs: opening.success ? Date.parse(opening.data.onsetAt) : null,
    detectedAtMs: first("incident.opened", "incident.reopened"),
    acknowledgedAtMs: first("incident.acknowledged"),
    mitigatedAtMs: atMs(rows.find((row) => mitigates(row, besides))),
    recoveredAtMs: last("incident.recovery_seen"),
    releasedAtMs: last("lease.reverted"),
    resolvedAtMs: last("incident.resolved"),
  };
}

/** What was done beside everything else mends nothing. */
const mitigates = ({ type, data }: JournalRow, besides: readonly string[]): boolean =>
  (type === "lease.applied" && !besides.includes(ofLease.safeParse(data).data?.leaseId ?? "")) ||
  (type === "act.performed" && !besides.includes(ofAct.safeParse(data).data?.actId ?? ""));

/** The shares of visitors that the release passed through, and when. */
export const releaseStages = (
  rows: readonly JournalRow[],
): readonly { readonly share: number; readonly atMs: number }[] =>
  rows.flatMap((row) => {
    const stage = releasing.safeParse(row.data);
    return row.type === "lease.releasing" && stage.success
      ? [{ share: stage.data.share, atMs: Date.parse(row.at) }]
      : [];
  });

const atMs = (row: JournalRow | undefined): number | null =>
  row === undefined ? null : Date.parse(row.at);
