/** What the catalogue says of a signal, and the kinds of evidence that signals are. */
import type { SourceId } from "./catalogue.ts";

/**
 * What stands behind a value. Two signals are independent evidence when their kinds or their vantages differ:
 * `passive` watched real traffic, `active` asked by itself, `told` came from outside monitoring.
 */
export type Evidence = {
  readonly kind: "passive" | "active" | "told";
  readonly vantage: string;
};

export type SignalType = "double" | "int" | "bool" | "string";

export type SignalSpec = {
  readonly type: SignalType;
  readonly unit: string;
  readonly source: SourceId;
  readonly evidence: Evidence;
  /** One sentence for the on-call engineer. */
  readonly describes: string;
};

export const around = { kind: "active", vantage: "around the guard" } as const;
export const through = { kind: "active", vantage: "through the guard" } as const;
export const database = { kind: "active", vantage: "database" } as const;
export const replica = { kind: "active", vantage: "read replica" } as const;
export const queries = { kind: "passive", vantage: "database" } as const;
export const cache = { kind: "active", vantage: "redis" } as const;
export const vendor = { kind: "told", vantage: "cloudflare" } as const;
export const neon = { kind: "told", vantage: "neon" } as const;
export const rows = { kind: "active", vantage: "rows of the database" } as const;
export const schema = { kind: "active", vantage: "catalogue of the database" } as const;
export const records = { kind: "passive", vantage: "records of sign-ins and accesses" } as const;
export const jobs = { kind: "told", vantage: "jobs" } as const;
export const machines = { kind: "told", vantage: "machines" } as const;
export const users = { kind: "told", vantage: "users" } as const;
export const visitors = { kind: "passive", vantage: "visitors" } as const;
export const edge = { kind: "passive", vantage: "Cloudflare's edge" } as const;
export const production = { kind: "passive", vantage: "production" } as const;
export const owed = { kind: "passive", vantage: "payment queue" } as const;
export const logs = { kind: "passive", vantage: "production's logs" } as const;
export const journal = { kind: "passive", vantage: "write journal" } as const;
export const monitoring = { kind: "told", vantage: "monitoring" } as const;
