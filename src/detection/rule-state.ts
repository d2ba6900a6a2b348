/** Where a rule stands: inactive → pending → firing → clearing. Serialisable; times are epoch milliseconds. */
export type RuleState =
  | { readonly status: "inactive" }
  | { readonly status: "pending"; readonly sinceMs: number }
  | { readonly status: "firing"; readonly sinceMs: number }
  | { readonly status: "clearing"; readonly firingSinceMs: number; readonly sinceMs: number };
