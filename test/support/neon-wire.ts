/** A wire to a database behind Neon's protocol, on which changes go wrong. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { ChangeFault } from "../contract/act.ts";

type Call = { readonly headers: IncomingHttpHeaders; readonly body: string };

/** Passes everything on, but for the next call that may change something, when told so. `settled`: what a lost answer told of is so. */
export async function startNeonWire(
  target: string,
  {
    isChange,
    settled = async () => {},
  }: { readonly isChange: (call: Call) => boolean; readonly settled?: () => Promise<void> },
) {
  let next: ChangeFault | null = null;
  const server = createServer((request, response) => {
    void pass(request, response).catch(() => response.destroy());
  });
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
    const sent = Buffer.concat(chunks);
    const isMeant = isChange({ headers: request.headers, body: sent.toString() });
    const fault = isMeant ? next : null;
    if (isMeant) next = null;
    if (fault === "429") return void response.writeHead(429).end("{}");
    if (fault === "403") return void response.writeHead(403).end("{}");
    if (fault === "5xx") return void response.writeHead(502).end("{}");
    if (fault === "timeout") return void request.socket.destroy();
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith("neon-") || name === "content-type"
        ? [[name, String(value)] as [string, string]]
        : [],
    );
    const answer = await fetch(target, { method: "POST", headers, body: sent });
    const body = Buffer.from(await answer.arrayBuffer());
    if (fault === "answer_lost") {
      await settled();
      return void request.socket.destroy();
    }
    response.writeHead(answer.status, { "content-type": "application/json" }).end(body);
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}/sql`,
    failNextChange: (fault: ChangeFault): void => {
      next = fault;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
