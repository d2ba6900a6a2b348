/** An alert from outside monitoring, whatever tool it came from. */
import type { Severity } from "../playbooks/schema.ts";

export type Alert = {
  /** The tool: a webhook source's id. */
  readonly source: string;
  /** The tool's own key for this alert; with `source` it finds the same alert again. */
  readonly fingerprint: string;
  readonly status: "firing" | "resolved";
  /** What its tool groups it with, in the tool's own words or a digest of them: alerts of a group are one incident. */
  readonly group?: string | null;
  readonly title: string;
  readonly severity: Severity;
  readonly startsAtMs: number;
  readonly endsAtMs: number | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly url: string | null;
};

export type AlertCounts = {
  readonly firing: number;
  readonly critical: number;
  readonly sources: number;
  /** Of those that fire, the ones that nobody is to hear of. A desk from before does not say. */
  readonly muted?: number;
  /** Of those that fire, the ones that are counted and not kept whole; and those that went for want of room. */
  readonly bundled?: number;
  readonly dropped?: number;
  /** Null before the first alert ever: then the counts are unknown, not zero. */
  readonly lastReceivedAtMs: number | null;
};
