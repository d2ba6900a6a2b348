/**
 * Visitors over raw keep-alive sockets: each asks again as soon as it was answered. Nothing here runs in the measured process,
 * and requests are bytes that were made before.
 */
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { LOOPBACK } from "../../dev/loopback.ts";

export type Visitors = {
  /** Connects whoever is not: workerd ends a connection that was silent for five seconds. */
  readonly come: () => Promise<void>;
  /** Asks so often, and resolves when all were answered. @throws {Error} when a connection ends or is silent. */
  readonly ask: (count: number) => Promise<Answered>;
  readonly leave: () => void;
};

export type VisitorsOptions = {
  readonly port: number;
  /** Asked in turn, over and over. */
  readonly requests: readonly Buffer[];
  readonly connections: number;
};

export type Answered = {
  readonly wallMs: number;
  /** By status. */
  readonly statuses: ReadonlyMap<number, number>;
};

const ANSWER_MS_MAX = 10_000;

/** Their connections stay open while they ask. */
export async function openVisitors(options: VisitorsOptions): Promise<Visitors> {
  const { port, requests, connections } = options;
  let sockets = await Promise.all(Array.from({ length: connections }, () => connected(port)));
  let at = 0;
  return {
    async come() {
      sockets = await Promise.all(
        sockets.map(async (socket) => (socket.destroyed ? connected(port) : socket)),
      );
    },
    async ask(count) {
      const statuses = new Map<number, number>();
      let left = count;
      const next = (): Buffer | null => {
        if (left === 0) return null;
        left -= 1;
        at = (at + 1) % requests.length;
        return requests[at] ?? null;
      };
      const onStatus = (status: number): void =>
        void statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const fromMs = performance.now();
      await Promise.all(sockets.map((socket) => visit(socket, next, onStatus)));
      return { wallMs: performance.now() - fromMs, statuses };
    },
    leave: () => sockets.forEach((socket) => socket.destroy()),
  };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ host: LOOPBACK, port, noDelay: true });
  await once(socket, "connect");
  // Its end is noticed even while nobody asks.
  socket.resume();
  return socket;
}

/** The same once. */
export async function load({
  count,
  ...options
}: VisitorsOptions & { readonly count: number }): Promise<Answered> {
  const visitors = await openVisitors(options);
  try {
    return await visitors.ask(count);
  } finally {
    visitors.leave();
  }
}

function visit(
  socket: Socket,
  next: () => Buffer | null,
  onStatus: (status: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.destroyed) return reject(new Error("the connection was closed"));
    let held: Buffer | null = null;
    const end = (fault: Error | null): void => {
      socket.removeAllListeners();
      socket.setTimeout(0);
      if (fault === null) resolve();
      else reject(fault);
    };
    const ask = (): void => {
      const request = next();
      if (request === null) end(null);
      else socket.write(request);
    };
    socket.setTimeout(ANSWER_MS_MAX, () => end(new Error("no answer")));
    socket.on("error", end);
    socket.on("close", () => end(new Error("the connection was closed")));
    socket.on("data", (chunk: Buffer) => {
      const answer = held === null ? chunk : Buffer.concat([held, chunk]);
      const length = lengthOf(answer);
      held = length === null || length > answer.length ? answer : null;
      if (held !== null) return;
      onStatus(Number(answer.toString("latin1", 9, 12)));
      ask();
    });
    ask();
  });
}

const HEAD_END = Buffer.from("\r\n\r\n");
const LENGTH = /\r\ncontent-length: *(\d+)/i;

/** Of the answer, its head included; null while its head is not whole, or with the last chunk missing. */
function lengthOf(answer: Buffer): number | null {
  const head = answer.indexOf(HEAD_END);
  if (head === -1) return null;
  const length = LENGTH.exec(answer.toString("latin1", 0, head));
  if (length !== null) return head + 4 + Number(length[1]);
  return answer.subarray(-5).equals(LAST_CHUNK) ? answer.length : null;
}

const LAST_CHUNK = Buffer.from("0\r\n\r\n");
