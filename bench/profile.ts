/** Where time goes by V8's sampling profiler: what a profile says, by function, and profiles of this very process. */
import { Session } from "node:inspector";
import { z } from "zod";
import { short } from "./goal.ts";

export type ProfileLine = {
  readonly functionName: string;
  /** Of the samples in which anything ran. */
  readonly share: number;
  readonly microseconds: number;
};

/** The part of the inspector's answer that is read. */
export const sampled = z.object({
  profile: z.object({
    nodes: z.array(
      z.object({ id: z.int(), callFrame: z.object({ functionName: z.string(), url: z.string() }) }),
    ),
    samples: z.array(z.int()),
    timeDeltas: z.array(z.int()),
  }),
});

/** Functions by the time of their own, the most first; what was inlined is counted by its own name. */
export function linesOf({
  profile: { nodes, samples, timeDeltas },
}: z.infer<typeof sampled>): readonly ProfileLine[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, callFrame.functionName]));
  const selfUs = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const name = names.get(id) ?? "";
    if (name === "(idle)") continue;
    selfUs.set(name, (selfUs.get(name) ?? 0) + (timeDeltas[at] ?? 0));
  }
  const totalUs = [...selfUs.values()].reduce((sum, one) => sum + one, 0);
  return [...selfUs]
    .toSorted(([, a], [, b]) => b - a)
    .map(([functionName, microseconds]) => ({
      functionName: functionName === "" ? "(anonymous)" : functionName,
      share: microseconds / totalUs,
      microseconds,
    }));
}

const SAMPLING_US = 100;
const LINES = 12;

/** Profiles work in this process, which is done when it returns; microseconds are for each of `times`. */
export function profileHere(
  work: (times: number) => unknown,
  times: number,
): readonly ProfileLine[] {
  work(times); // Compiled before it is looked at.
  const session = new Session();
  session.connect();
  const call = (method: string, params: object = {}): unknown => {
    let answer: unknown = null;
    // In one process the answer is there before this returns.
    session.post(method, params, (fault, result) => {
      if (fault !== null) throw new Error(`${method}: ${fault.message}`);
      answer = result;
    });
    return answer;
  };
  call("Profiler.enable");
  call("Profiler.setSamplingInterval", { interval: SAMPLING_US });
  call("Profiler.start");
  work(times);
  const lines = linesOf(sampled.parse(call("Profiler.stop")));
  session.disconnect();
  return lines
    .slice(0, LINES)
    .map((line) => ({ ...line, microseconds: line.microseconds / times }));
}

export const sayProfile = (lines: readonly ProfileLine[]): readonly string[] =>
  lines.map(
    ({ functionName, share, microseconds }) =>
      `  ${short(microseconds).padStart(6)} µs ${(share * 100).toFixed(1).padStart(5)} %  ${functionName}`,
  );
