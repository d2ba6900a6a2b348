/**
 * What production reports of itself through the SDK. An event is counted, never described: no values, no names, and of sign-ins the
 * address and a keyed hash of the account. A new kind is a line here; its signal is `sdk.<what>_count`, over the last twenty seconds.
 */
type ReportKindSpec = {
  /** The monitor looks at once, and not at its next tick. */
  readonly isUrgent: boolean;
  readonly describes: string;
};

export const REPORTS = {
  "pool.exhausted": {
    isUrgent: true,
    describes: "Queries of production that the database or a pool had no connection left for.",
  },
  "pool.timed_out": {
    isUrgent: true,
    describes: "Queries of production that waited too long for a connection.",
  },
  "query.timed_out": {
    isUrgent: true,
    describes: "Queries of production that were ended because they took too long.",
  },
  "query.unanswered": {
    isUrgent: true,
    describes: "Queries of production that the database did not answer at all.",
  },
  "query.failed": {
    isUrgent: false,
    describes: "Queries of production that failed, whatever the reason.",
  },
  "query.deadlocked": {
    isUrgent: false,
    describes: "Queries of production that were ended because they waited for each other.",
  },
  "query.foreign_key": {
    isUrgent: false,
    describes:
      "Writes of production that named a row that is not there, or took away one that is named.",
  },
  "query.constraint": {
    isUrgent: false,
    describes: "Writes of production that another constraint of the data refused.",
  },
  "auth.failed": {
    isUrgent: false,
    describes: "Attempts to sign in to production that failed.",
  },
  "auth.succeeded": {
    isUrgent: false,
    describes: "Attempts to sign in to production that succeeded.",
  },
  "payment.charged": {
    isUrgent: false,
    describes: "Payments of production that a provider charged at once.",
  },
  "payment.declined": {
    isUrgent: false,
    describes: "Payments that a provider declined, which is the customer's matter, or refused.",
  },
  "payment.failed": {
    isUrgent: true,
    describes:
      "Payments that a provider did not answer as it should: its error, its silence, or what nobody understands.",
  },
  "payment.deferred": {
    isUrgent: false,
    describes: "Orders that production took without charging them yet.",
  },
  "payment.elsewhere": {
    isUrgent: false,
    describes: "Payments that another provider was asked to charge, because Firebreak asks for it.",
  },
  "payment.trial_passed": {
    isUrgent: false,
    describes:
      "Payments that the first provider was asked to charge to see whether it is well again, and it is.",
  },
  "payment.trial_failed": {
    isUrgent: false,
    describes: "The same when it is not, or does not answer at all.",
  },
  "payment.given_up": {
    isUrgent: true,
    describes: "Payments that were tried so often that people must look.",
  },
  "payment.event": {
    isUrgent: false,
    describes: "Events of payment providers that production received and believed.",
  },
  "payment.event_failed": {
    isUrgent: false,
    describes: "Events of payment providers that production did not believe or could not book.",
  },
} as const satisfies Readonly<Record<string, ReportKindSpec>>;

export type ReportKind = keyof typeof REPORTS;
export const REPORT_KINDS = Object.keys(REPORTS) as readonly ReportKind[];
export const isReportKind = (kind: string): kind is ReportKind => Object.hasOwn(REPORTS, kind);

/** Kinds of which production may also say from which address, and under a keyed hash to which account. */
const SIGN_INS = ["auth.failed", "auth.succeeded"] as const satisfies readonly ReportKind[];
export type SignInKind = (typeof SIGN_INS)[number];
export const isSignIn = (kind: ReportKind): kind is SignInKind =>
  SIGN_INS.some((known) => known === kind);

/** `pool.exhausted` is counted by `sdk.pool_exhausted_count`. */
export type ReportSignal = {
  [Kind in ReportKind]: Kind extends `${infer Room}.${infer What}`
    ? `sdk.${Room}_${What}_count`
    : never;
}[ReportKind];
export const signalOf = (kind: ReportKind): ReportSignal =>
  `sdk.${kind.replace(".", "_")}_count` as ReportSignal;
