/** The Worker's log: a line of JSON each, so that an incident's id finds what every part said of it. No secret is in one. */
import { redact } from "./redact.ts";

export type LogLevel = "info" | "warn" | "error";

export type LogLine = {
  /** Who speaks: a room of `docs/architecture.md`. */
  readonly part: string;
  /** Its id, where one is concerned. */
  readonly incident?: string | undefined;
  /** What a person reads. */
  readonly detail?: string;
  readonly [field: string]: unknown;
};

export function say(level: LogLevel, line: LogLine): void {
  console[level](
    JSON.stringify({ level, ...line }, (_, value: unknown) =>
      typeof value === "string" ? redact(value) : value,
    ),
  );
}
