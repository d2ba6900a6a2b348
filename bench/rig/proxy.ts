/** Between isolates and the control side: every call travels, may meet a fault, and is counted. */
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { assert } from "../../src/shared/assert.ts";
import { LOOPBACK } from "../../dev/loopback.ts";
import { GARBAGE, HANG_MS, travel, type Distance, type Fault } from "./faults.ts";

export type Proxy = AsyncDisposable & {
  readonly port: number;
  /** Of the calls that begin with this path, such as `/POLICY`; null mends it. */
  readonly setFault: (path: string, fault: Fault | null) => void;
  /** Calls so far that begin with this path. */
  readonly calls: (path: string) => number;
};

/** `target` is the port of the control side. */
export async function startProxy(target: number, distance: Distance): Promise<Proxy> {
  const faults = new Map<string, Fault>();
  const counts = new Map<string, number>();
  const ended = new AbortController();
  const server = createServer((incoming, answer) => {
    const path = `/${incoming.url?.split("/")[1] ?? ""}`;
    counts.set(path, (counts.get(path) ?? 0) + 1);
    void travel(distance, ended.signal)
      .then(() => pass(incoming, answer, { target, fault: faults.get(path) ?? null }))
      .catch(() => answer.destroy());
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object", "a TCP server has a port");
  return {
    port: address.port,
    setFault: (path, fault) => (fault === null ? faults.delete(path) : faults.set(path, fault)),
    calls: (path) => counts.get(path) ?? 0,
    async [Symbol.asyncDispose]() {
      ended.abort();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function pass(
  incoming: IncomingMessage,
  answer: ServerResponse,
  { target, fault }: { readonly target: number; readonly fault: Fault | null },
): Promise<void> {
  if (fault === "hangs") return void setTimeout(() => answer.destroy(), HANG_MS).unref();
  if (fault === "drops") return void incoming.socket.destroy();
  if (fault === "fails") return void answer.writeHead(500).end();
  if (fault === "garbage") return void answer.writeHead(200).end(GARBAGE);
  const { method, url, headers } = incoming;
  const asked = request({ host: LOOPBACK, port: target, method, path: url, headers });
  incoming.pipe(asked);
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  answer.writeHead(response.statusCode ?? 502, response.headers);
  response.pipe(answer);
}
