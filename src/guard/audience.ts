/** Whom an answer is for: a person in a browser, a program, or a WebSocket client. */
import type { RequestLike } from "./facts.ts";

export type Audience = "page" | "program" | "websocket" | "preflight";

export function audienceOf({ method, headers }: RequestLike): Audience {
  if (isUpgrade(method, headers.get("upgrade"))) return "websocket";
  if (method === "OPTIONS" && headers.get("access-control-request-method") !== null) {
    return "preflight";
  }
  return prefersHtml(headers) ? "page" : "program";
}

/** Asks for a WebSocket. */
export const isUpgrade = (method: string, upgrade: string | null): boolean =>
  method === "GET" && upgrade?.toLowerCase() === "websocket";

/** A navigation, or an Accept that names HTML at least as gladly as JSON. A bare star is what programs send. */
function prefersHtml(headers: RequestLike["headers"]): boolean {
  if (headers.get("sec-fetch-mode") === "navigate") return true;
  const accept = headers.get("accept") ?? "";
  const html = Math.max(qualityOf(accept, "text/html"), qualityOf(accept, "application/xhtml+xml"));
  const json = Math.max(
    qualityOf(accept, "application/json"),
    qualityOf(accept, "application/problem+json"),
  );
  return html > 0 && html >= json;
}

/** RFC 9110 §12.5.1; 0 when the type is not named, or named as not wanted. */
function qualityOf(accept: string, type: string): number {
  for (const range of accept.split(",")) {
    const [name = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (name !== type) continue;
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    const value = quality === undefined ? 1 : Number(quality.slice(2));
    return Number.isFinite(value) ? value : 0;
  }
  return 0;
}
