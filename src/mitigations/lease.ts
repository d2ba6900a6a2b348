/** The life cycle of a lease: proposed → (approved) → applying → applied → effective | ineffective → reverting → reverted, or expired, declined, failed. */
export const LEASE_STATUSES = [
  "proposed",
  "applying",
  "applied",
  "effective",
  "ineffective",
  "releasing",
  "reverting",
  "reverted",
  "declined",
  "expired",
  "failed",
] as const;
export type LeaseStatus = (typeof LEASE_STATUSES)[number];
