/**
 * Visitors over raw keep-alive sockets: each asks again as soon as it was answered. Nothing here runs in the measured process,
 * and requests are bytes that were made before.
 */
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { LOOPBACK } from "../../dev/loopback.ts";

export type Load = {
  readonly port: number;
  /** Asked in turn, over and over. */
  readonly requests: readonly Buffer[];
  readonly count: number;
  readonly connections: number;
};

export type Loaded = {
  readonly wallMs: number;
  /** By status. */
  readonly statuses: ReadonlyMap<number, number>;
};

const ANSWER_MS_MAX = 10_000;

/** Asks `count` times. @throws {Error} when a connection ends or is silent. */
export async function load({ port, requests, count, connections }: Load): Promise<Loaded> {
  const sockets = Array.from({ length: connections }, () => connect({ host: LOOPBACK, port }));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  const statuses = new Map<number, number>();
  let asked = 0;
  const next = (): Buffer | null => {
    if (asked === count) return null;
    asked += 1;
    return requests[asked % requests.length] ?? null;
  };
  const fromMs = performance.now();
  await Promise.all(
    sockets.map((socket) =>
      visit(socket, next, (status) => statuses.set(status, (statuses.get(status) ?? 0) + 1)),
    ),
  );
  const wallMs = performance.now() - fromMs;
  for (const socket of sockets) socket.destroy();
  return { wallMs, statuses };
}

function visit(
  socket: Socket,
  next: () => Buffer | null,
  onStatus: (status: number) => void,
): Promise<void> {
  socket.setNoDelay(true);
  socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error("no answer")));
  return new Promise((resolve, reject) => {
    let held: Buffer | null = null;
    const ask = (): void => {
      const request = next();
      if (request === null) resolve();
      else socket.write(request);
    };
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the connection was closed")));
    socket.on("data", (chunk: Buffer) => {
      const answer = held === null ? chunk : Buffer.concat([held, chunk]);
      const end = endOf(answer);
      held = end === null || end > answer.length ? answer : null;
      if (held !== null) return;
      onStatus(Number(answer.toString("latin1", 9, 12)));
      ask();
    });
    ask();
  });
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** Where the answer ends; null while its head is not whole, or with the last chunk missing. */
function endOf(answer: Buffer): number | null {
  const head = answer.indexOf(HEAD_END);
  if (head === -1) return null;
  const length = LENGTH.exec(answer.toString("latin1", 0, head));
  if (length !== null) return head + 4 + Number(length[1]);
  return answer.subarray(-5).equals(LAST_CHUNK) ? answer.length : null;
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");
