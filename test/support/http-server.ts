/** A real HTTP server on loopback that stands in for what is outside: it answers as the test says, or not at all. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export type Received = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
};

export type LocalServer = {
  readonly url: string;
  readonly received: readonly Received[];
  /** Ends it, with the connections that still hang. */
  readonly close: () => Promise<void>;
};

/** Starts the server on a free port. */
export async function serve(
  answer: (request: Received, response: ServerResponse) => void,
): Promise<LocalServer> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const one = { method, path, headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    received,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** A base URL where nothing listens. */
export async function closedUrl(): Promise<string> {
  const { url, close } = await serve(() => {});
  await close();
  return url;
}
