/** Neon's WebSocket endpoint: Postgres's own protocol in binary messages, which makes the driver's `Pool` real. */
import type { IncomingMessage, Server } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createWebSocketStream, WebSocketServer, type WebSocket } from "ws";
import { LOOPBACK } from "./loopback.ts";

const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Accepts WebSockets at `/v2` and joins each to a connection to Postgres. Returns what ends them all. */
export function acceptNeonSockets(http: Server, postgresPort: number): () => void {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  http.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (new URL(request.url ?? "/", "http://bridge").pathname !== "/v2") {
      socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => join(client, postgresPort));
  });
  return () => {
    for (const client of sockets.clients) client.terminate();
    sockets.close();
  };
}

function join(client: WebSocket, postgresPort: number): void {
  const postgres = connect({ host: LOOPBACK, port: postgresPort });
  const stream = createWebSocketStream(client);
  // Once it was reached, a lost connection is only closed: whoever was refused has Postgres's own words already.
  let wasReached = false;
  postgres.once("connect", () => (wasReached = true));
  postgres.once("error", () => {
    if (!wasReached && client.readyState === client.OPEN) client.send(computeUnreachable());
    client.close();
  });
  stream.once("error", () => postgres.destroy());
  pump(postgres, stream);
}

/** Either side's end is the other's, whatever the reason. */
function pump(postgres: Socket, stream: Duplex): void {
  stream.pipe(postgres);
  postgres.on("data", (chunk: Buffer) => {
    if (!stream.write(chunk)) {
      postgres.pause();
      stream.once("drain", () => postgres.resume());
    }
  });
  postgres.once("end", () => stream.end());
  stream.once("close", () => postgres.destroy());
}

/** What Neon's proxy says in Postgres's protocol when it cannot reach the compute: an ErrorResponse. */
function computeUnreachable(): Buffer {
  const fields = Buffer.from("SERROR\0CXX000\0MCouldn't connect to compute node\0\0");
  const header = Buffer.alloc(5);
  header.write("E", 0);
  header.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([header, fields]);
}
