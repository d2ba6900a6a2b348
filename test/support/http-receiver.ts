/** A real HTTP server on loopback that keeps what it was sent and answers as the test says. */
import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export type Received = {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export type Answer = {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

export type HttpReceiver = { readonly url: string; readonly received: readonly Received[] };

/** Runs `use` while a receiver is up. An answer of `null` keeps the connection open and never answers. */
export async function withReceiver<T>(
  answer: (request: Received) => Answer | null,
  use: (receiver: HttpReceiver) => Promise<T>,
): Promise<T> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const seen = { path: request.url ?? "", headers: request.headers, body };
      received.push(seen);
      const reply = answer(seen);
      if (reply !== null) response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    return await use({ url: `http://127.0.0.1:${port}`, received });
  } finally {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

/** A loopback address where nothing listens. */
export const deadUrl = (): Promise<string> =>
  withReceiver(
    () => ({ status: 200 }),
    async ({ url }) => url,
  );
