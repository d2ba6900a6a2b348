/** Where a Worker's time goes: V8's sampling profiler, over the inspector, while it serves. */
import { z } from "zod";
import { assert } from "../../src/shared/assert.ts";
import { linesOf, sampled, type ProfileLine } from "../profile.ts";
import type { Workerd } from "./process.ts";

const SAMPLING_US = 100;
const targets = z.array(z.object({ title: z.string(), webSocketDebuggerUrl: z.string() }));
/** Profiles the service of this name while `work` goes on; the lines with the most time of their own come first. */
export async function profile(
  workerd: Workerd,
  service: string,
  work: () => Promise<unknown>,
): Promise<readonly ProfileLine[]> {
  const listed = await fetch(`http://127.0.0.1:${workerd.inspectorPort}/json`);
  const found = targets.parse(await listed.json()).find(({ title }) => title.endsWith(service));
  assert(found !== undefined, `the inspector knows ${service}`);
  await using session = await connect(found.webSocketDebuggerUrl);
  await session.call("Profiler.enable", {});
  await session.call("Profiler.setSamplingInterval", { interval: SAMPLING_US });
  await session.call("Profiler.start", {});
  await work();
  return linesOf(sampled.parse(await session.call("Profiler.stop", {})));
}

const reply = z.object({ id: z.int().optional(), result: z.unknown().optional() });

type Session = AsyncDisposable & {
  readonly call: (method: string, params: Readonly<Record<string, unknown>>) => Promise<unknown>;
};

async function connect(url: string): Promise<Session> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, (result: unknown) => void>();
  let id = 0;
  socket.addEventListener("message", ({ data }) => {
    const { id: answered = 0, result } = reply.parse(JSON.parse(String(data)));
    waiting.get(answered)?.(result);
    waiting.delete(answered);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  return {
    call: (method, params) => {
      id += 1;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    [Symbol.asyncDispose]: async () => socket.close(),
  };
}
