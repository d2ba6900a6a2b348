/** What `WriteJournal` answers over RPC. Works with callers built one version before or after. */

export type Header = { readonly name: string; readonly value: string };

/** A delivery whose sender has been verified. */
export type JournalDelivery = {
  /** The sender's, or derived from what it sent; null: nothing tells its repetitions from others. */
  readonly key: string | null;
  readonly url: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array<ArrayBuffer>;
  readonly receivedAtMs: number;
};

export type Acceptance =
  | { readonly taken: true; readonly isRepeated: boolean }
  /** `full`: no room; `unready`: other guards could not be told that there is a backlog; `unknown`: no such route any more. */
  | { readonly taken: false; readonly why: "full" | "unready" | "unknown" };

export type JournalStatus = {
  readonly backlogCount: number;
  readonly backlogBytes: number;
  /** When the oldest delivery that waits arrived; null: none waits. */
  readonly oldestAtMs: number | null;
  readonly deadCount: number;
  /** Why the last attempt did not succeed; null when it did, or there was none. */
  readonly lastFailure: string | null;
};

/** A delivery that was given up. */
export type DeadLetter = {
  readonly id: string;
  readonly key: string | null;
  readonly url: string;
  readonly bytes: number;
  readonly receivedAtMs: number;
  readonly deadAtMs: number;
  readonly attempts: number;
  readonly failure: string;
};

export type JournalApi = {
  /** Keeps a delivery until production has it. Answers once it is stored, and once other guards know. */
  accept(delivery: JournalDelivery): Promise<Acceptance>;
  status(): Promise<JournalStatus>;
  /** In order of arrival, those after the letter with this id; `next` is the last one's id while there are more. */
  deadLetters(
    after: string | null,
    limit: number,
  ): Promise<{ readonly items: readonly DeadLetter[]; readonly next: string | null }>;
  deadLetter(id: string): Promise<
    | (DeadLetter & {
        readonly headers: JournalDelivery["headers"];
        readonly body: Uint8Array<ArrayBuffer>;
      })
    | null
  >;
  /** Tries one again, or all of them (null), in the order in which they arrived. Answers how many. */
  redrive(id: string | null): Promise<number>;
  /** Drops it for good; false: there is no such letter. */
  discard(id: string): Promise<boolean>;
};
