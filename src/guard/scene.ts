/** What the request path works with: the guard's parts, and the request at hand. */
import type { Challenges } from "./challenge/challenges.ts";
import type { Copies } from "./emergency-cache/copies.ts";
import type { Counters } from "./limits/counters.ts";
import type { SigningKey } from "./signed.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Telemetry } from "./telemetry.ts";
import type { WaitUntil } from "./wait-until.ts";
import type { JournalLink } from "./write-journal/hand-over.ts";

export type GuardDeps = {
  /** `GUARD=off`: production is served before anything else is looked at. */
  readonly isOff: boolean;
  readonly origin: (request: Request) => Promise<Response>;
  /** Everything below `/_firebreak`; null inside an app, where all but the challenge there is the app's, and guarded like the rest. */
  readonly ownRoutes: ((request: Request) => Promise<Response>) | null;
  readonly snapshots: Pick<Snapshots, "current" | "peek">;
  readonly telemetry: Pick<Telemetry, "ask" | "record" | "recordChallenge">;
  /** Null where nobody is ever challenged. */
  readonly challenges: Challenges | null;
  readonly copies: Copies;
  readonly journal: JournalLink;
  readonly counters: Pick<Counters, "meter">;
  readonly keys: readonly SigningKey[];
  /** Told of each fault of the guard's own; it may log, and may not throw the request away by throwing. */
  readonly onFault: (fault: unknown) => void;
};

export type GuardContext = { readonly waitUntil: WaitUntil };

export type Scene = {
  readonly request: Request;
  readonly deps: GuardDeps;
  readonly waitUntil: WaitUntil;
};
