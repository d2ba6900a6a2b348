/** What a stand-in for a vendor is: it checks requests as strictly as the vendor, and keeps what it got. */
import { z } from "zod";

export const CALLS_MAX = 1_000;

export const FAULT_KINDS = [
  "403",
  "429",
  "5xx",
  "timeout",
  "garbage",
  "duplicate",
  "swallowed",
] as const;
/**
 * How the next calls go wrong. `duplicate` does what was asked and then loses the answer, so that a sender who repeats
 * it makes a duplicate; `swallowed` does it and never answers.
 */
export const fault = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  times: z.int().min(1).max(1_000_000).default(1),
  /** One of so many fails; 2 is half of them. */
  every: z.int().min(1).max(1_000).default(1),
  /** Only calls of this method, `WRITE` being any that changes something; without it, all. */
  method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE", "WRITE"]).optional(),
});
export type Fault = z.infer<typeof fault>;

/** One request as it arrived, and what became of it. Credentials are not kept. */
export type Call = {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The status that was answered; null when the answer was withheld. */
  readonly status: number | null;
  readonly fault: Fault["kind"] | null;
};

export type Vendor = {
  /** The path prefix that it is served under. */
  readonly name: string;
  /** Answers a request whose path has lost the prefix. */
  readonly fetch: (request: Request) => Response | Promise<Response>;
  /** What people may look at and set beside the calls; a PUT replaces it. */
  readonly state?: () => unknown;
  /** Sets the state from an untrusted value. @throws {z.ZodError} when it is not one. */
  readonly setState?: (value: unknown) => void;
  /** Back to how it started. */
  readonly reset: () => void;
};
