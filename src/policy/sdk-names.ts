/** The kinds of entry that production itself carries out, through the SDK. Their names are all that a guard needs to know of them. */
export const SDK_KINDS = [
  "replica-reads",
  "added-replica",
  "failover",
  "query-cache",
  "pool-size",
  "statement-timeout",
  "sessions-revoked",
  "strict-mode",
  "payment-provider",
  "payment-bypass",
] as const;
export type SdkKind = (typeof SDK_KINDS)[number];

const names: ReadonlySet<string> = new Set(SDK_KINDS);

/** Whether entries of this kind are for the SDK. */
export const isForSdk = (kind: string): kind is SdkKind => names.has(kind);
