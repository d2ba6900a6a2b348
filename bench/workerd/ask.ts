/** One request of one visitor, with what came of it. */
import { Agent, request } from "node:http";

export type Asked = {
  /** 0: no answer, or none in time. */
  readonly status: number;
  readonly sentAtMs: number;
  readonly tookMs: number;
};

const ANSWER_MS_MAX = 10_000;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** Never rejects: no answer is an answer here. */
export function ask(url: string, address: string): Promise<Asked> {
  const sentAtMs = performance.now();
  return new Promise((resolve) => {
    const end = (status: number): void =>
      resolve({ status, sentAtMs, tookMs: performance.now() - sentAtMs });
    const asked = request(
      url,
      { agent, headers: { host: "shop.example", "cf-connecting-ip": address } },
      (answer) => {
        answer.resume();
        answer.on("end", () => end(answer.statusCode ?? 0));
        answer.on("error", () => end(0));
      },
    );
    asked.setTimeout(ANSWER_MS_MAX, () => asked.destroy());
    asked.on("error", () => end(0));
    asked.end();
  });
}

/** An address per visitor, of those for benchmarks. */
export const visitor = (at: number): string =>
  `198.${18 + ((at >>> 16) & 1)}.${(at >>> 8) & 255}.${at & 255}`;
