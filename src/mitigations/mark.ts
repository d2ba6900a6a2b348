/** Our mark on what a lease changed at a vendor, where nothing ends by itself: whose it is, and when its time is up. */
import type { LeaseId } from "../shared/ids.ts";

export type Mark = {
  /** `<site>.<environment>`. */
  readonly instance: string;
  readonly leaseId: LeaseId;
  readonly expiresAtMs: number;
};

const MARK = /^firebreak\/([^\s/]{1,200})\/(lse_[0-9a-f]{26})\/(\d{1,16})(?=\s|$)/;

/** `firebreak/<instance>/<lease>/<expires_at_ms>`; words for people may follow it after a space. */
export const writeMark = ({ instance, leaseId, expiresAtMs }: Mark): string =>
  `firebreak/${instance}/${leaseId}/${expiresAtMs}`;

/** The mark at the beginning of a note, or null: what a person wrote is nobody's of ours. */
export function readMark(note: string): Mark | null {
  const [, instance, leaseId, expiresAtMs] = MARK.exec(note) ?? [];
  if (instance === undefined || leaseId === undefined) return null;
  return {
    instance,
    leaseId: `lse_${leaseId.slice("lse_".length)}`,
    expiresAtMs: Number(expiresAtMs),
  };
}
