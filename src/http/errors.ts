/** Turns whatever a route threw into a problem: vague outside, rich in the log. */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import { answerProblem, Problem, type ProblemSlug } from "./problems.ts";
import { say } from "../shared/log.ts";

const BY_STATUS: ReadonlyMap<number, readonly [ProblemSlug, string]> = new Map([
  [400, ["malformed-body", "The body is not valid JSON."]],
  [403, ["forbidden", "A form of another site asked for this."]],
  [413, ["payload-too-large", "The body is too large."]],
  [415, ["unsupported-media-type", "Send the body with the right Content-Type."]],
] as const);

const INCIDENT = /inc_[0-9A-Z]{26}/;

/** The one place where errors meet HTTP. */
export function answerError(error: Error, c: Context): Response {
  if (error instanceof Problem) return answerProblem(c, error);
  if (error instanceof HTTPException) {
    const known = BY_STATUS.get(error.status);
    if (known !== undefined) return answerProblem(c, new Problem(...known));
  }
  say("error", {
    part: "http",
    incident: INCIDENT.exec(c.req.path)?.[0],
    detail: `${c.req.method} ${c.req.path} failed`,
    fault: error.stack ?? error.name,
  });
  return answerProblem(c, isPassing(error) ? unavailable() : internal());
}

const unavailable = (): Problem =>
  new Problem("unavailable", "A part of Firebreak did not answer; try again.");
const internal = (): Problem =>
  new Problem("internal", "Firebreak failed while answering; its log has the details.");

/** The runtime marks errors of objects that are overloaded, restarting or being updated. */
const isPassing = (error: Error): boolean =>
  ("retryable" in error && error.retryable === true) ||
  ("overloaded" in error && error.overloaded === true);
