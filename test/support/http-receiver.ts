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

export type HttpReceiver = {
  readonly url: string;
  readonly received: readonly Received[];
  /** `await using` closes it. */
  [Symbol.asyncDispose](): Promise<void>;
};

/** `null` keeps the connection open and never answers. */
export async function startReceiver(
  answer: (request: Received) => Answer | null,
): Promise<HttpReceiver> {
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
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A loopback address where nothing listens. */
export async function deadUrl(): Promise<string> {
  const receiver = await startReceiver(() => ({ status: 200 }));
  await receiver[Symbol.asyncDispose]();
  return receiver.url;
}
