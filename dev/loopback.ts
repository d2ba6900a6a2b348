/** HTTP servers and ports of the local stack. Nothing here ever listens on anything but loopback. */
import { serve } from "@hono/node-server";
import { createServer, type Server } from "node:net";
import { Server as HttpServer } from "node:http";
import { assert } from "../src/shared/assert.ts";

export const LOOPBACK = "127.0.0.1";

export type LoopbackServer = AsyncDisposable & {
  /** `http://127.0.0.1:<port>`, without a trailing slash. */
  readonly url: string;
  readonly port: number;
  /** For what HTTP handlers cannot see, such as WebSocket upgrades. */
  readonly http: HttpServer;
};

/** Serves `fetch` on a given port, or on a free one; disposal ends open connections too. */
export async function serveLoopback(
  fetch: (request: Request) => Response | Promise<Response>,
  port = 0,
): Promise<LoopbackServer> {
  const http = serve({ fetch, hostname: LOOPBACK, port });
  assert(http instanceof HttpServer, "the loopback server speaks HTTP/1.1");
  const boundPort = await listening(http);
  return {
    url: `http://${LOOPBACK}:${boundPort}`,
    port: boundPort,
    http,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
}

/** The port that is wanted or, at 0, one that was free a moment ago: for servers that cannot choose by themselves. */
export async function choosePort(wanted = 0): Promise<number> {
  if (wanted !== 0) return wanted;
  const server = createServer().listen({ host: LOOPBACK, port: 0 });
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(server: Server): Promise<number> {
  if (!server.listening) {
    await new Promise((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", reject);
    });
  }
  const address = server.address();
  assert(address !== null && typeof address === "object", "a TCP server has a port");
  return address.port;
}
