/** Production for the workerd tests, steered by the path that is asked for: `/status/503`, `/slow/250`, `/echo`, anything else. */
import { setTimeout as sleep } from "node:timers/promises";
import { Response, type Request } from "miniflare";

/** Answers as the path says; `/echo` gives back method, URL, headers and body as JSON. */
export async function origin(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, verb, value] = pathname.split("/");
  if (verb === "status") return new Response(`status ${value}`, { status: Number(value) });
  if (verb === "slow") {
    await sleep(Number(value));
    return new Response("slow");
  }
  if (verb === "echo") {
    const { method, url, headers } = request;
    const body = await request.text();
    return Response.json({ method, url, headers: Object.fromEntries(headers), body });
  }
  return new Response("production");
}

/** Everything outside, for tests that ask nothing of it: it refuses. */
export const nobody = (): Response => new Response("nobody is here", { status: 403 });
