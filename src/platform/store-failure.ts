/** How a data store failed us, told apart by what that says about the store itself. */
import type { Failure } from "../incidents/journal.ts";

/**
 * `unreachable`: it did not answer, or said that it cannot; `timeout`: not within the deadline;
 * `refused`: it is there and refuses us, so it is our access that needs mending; `malformed`: the answer made no sense.
 */
export type StoreFailureKind = "unreachable" | "timeout" | "refused" | "malformed";
export type StoreFailure = Failure & { readonly kind: StoreFailureKind };

/** All that we ask of stores is reading, so nothing can have half happened: what is not refused may be tried again. */
export const storeFailure = (kind: StoreFailureKind, detail: string): StoreFailure => ({
  kind,
  class: kind === "refused" ? "refuse" : "retry",
  detail,
});
