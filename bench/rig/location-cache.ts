/** One location's HTTP cache, as workerd's Cache API asks it: GET with `cf-cache-status`, PUT of a whole HTTP response, PURGE. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { assert } from "../../src/shared/assert.ts";
import { LOOPBACK } from "../../dev/loopback.ts";
import { GARBAGE, HANG_MS, type Fault } from "./faults.ts";

export type LocationCache = AsyncDisposable & {
  readonly port: number;
  readonly setFault: (fault: Fault | null) => void;
  readonly hits: () => number;
};

type Kept = { readonly raw: Buffer; readonly untilMs: number };

export async function startLocationCache(): Promise<LocationCache> {
  const kept = new Map<string, Kept>();
  let fault: Fault | null = null;
  let hits = 0;
  const server = createServer((incoming, answer) => {
    if (fault !== null) return spoil(incoming, answer, fault);
    const key = `${incoming.headers.host}${incoming.url}`;
    if (incoming.method === "PUT") return void keep(kept, key, incoming, answer);
    const found = kept.get(key);
    if (incoming.method !== "GET" || found === undefined || found.untilMs <= Date.now()) {
      kept.delete(key);
      answer.writeHead(incoming.method === "PURGE" ? 200 : 504, { "cf-cache-status": "MISS" });
      return void answer.end();
    }
    hits += 1;
    // As it was put, with one more header: whatever its encoding, nothing has to understand it.
    incoming.socket.end(found.raw);
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  assert(address !== null && typeof address === "object", "a TCP server has a port");
  return {
    port: address.port,
    setFault: (next) => (fault = next),
    hits: () => hits,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const HEAD_END = Buffer.from("\r\n\r\n");
const MAX_AGE = /\r\ncache-control:[^\r]*max-age=(\d+)/i;

async function keep(
  kept: Map<string, Kept>,
  key: string,
  incoming: IncomingMessage,
  answer: ServerResponse,
): Promise<void> {
  const raw = await buffer(incoming);
  const head = raw.toString("latin1", 0, raw.indexOf(HEAD_END));
  const line = head.indexOf("\r\n");
  const marked = Buffer.concat([
    Buffer.from(`${head.slice(0, line)}\r\ncf-cache-status: HIT\r\nconnection: close`, "latin1"),
    raw.subarray(line),
  ]);
  const seconds = Number(MAX_AGE.exec(head)?.[1] ?? 0);
  kept.set(key, { raw: marked, untilMs: Date.now() + 1_000 * seconds });
  answer.writeHead(204).end();
}

function spoil(incoming: IncomingMessage, answer: ServerResponse, fault: Fault): void {
  if (fault === "hangs") setTimeout(() => answer.destroy(), HANG_MS).unref();
  else if (fault === "drops") incoming.socket.destroy();
  else if (fault === "fails") answer.writeHead(500).end();
  else answer.writeHead(200, { "cf-cache-status": "HIT" }).end(GARBAGE);
}
