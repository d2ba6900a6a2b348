import { createServer } from "node:http";
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { once } from "node:events";
import { onTestFinished, describe, it } from "vitest";
import { WebSocket } from "ws";
import { acceptNeonSockets } from "../../../dev/neon-socket.ts";

const LAST_WORDS = "sorry, too many clients already";

/** All that a client of the bridge hears until its socket closes, with that server in Postgres's place. */
async function heardFrom(onConnection: (socket: Socket) => void): Promise<string> {
  const postgres = createTcpServer(onConnection);
  const postgresPort = await portOf(postgres);
  return heardAt(postgresPort);
}

async function heardAt(postgresPort: number): Promise<string> {
  const http = createServer();
  const endSockets = acceptNeonSockets(http, postgresPort);
  const port = await portOf(http);
  onTestFinished(endSockets);
  const client = new WebSocket(`ws://127.0.0.1:${port}/v2`);
  let heard = "";
  client.on("message", (data: Buffer) => (heard += data.toString()));
  client.once("open", () => client.send("startup"));
  await once(client, "close");
  return heard;
}

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port, not on a pipe
  return (server.address() as AddressInfo).port;
}

describe("a client of the bridge's socket hears", () => {
  it("that the compute cannot be reached, where nothing listens", async ({ expect }) => {
    const gone = createTcpServer();
    const port = await portOf(gone);
    await new Promise((closed) => gone.close(closed));
    expect(await heardAt(port)).toContain("Couldn't connect to compute node");
  });

  it("only Postgres's own words, where it refuses and resets", async ({ expect }) => {
    const heard = await heardFrom((socket) => {
      socket.once("data", () =>
        socket.write(LAST_WORDS, () => setTimeout(() => socket.resetAndDestroy(), 50)),
      );
    });
    expect(heard).toBe(LAST_WORDS);
  });
});
