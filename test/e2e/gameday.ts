/** Runs a gameday as a person does, and reads what it wrote. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { z } from "zod";

const RUN = fileURLToPath(new URL("../../gamedays/run.ts", import.meta.url));
/** Before its test is over: one that hangs has ended when it is played once more. */
const RUN_MS_MAX = 165_000;
const OUTPUT_CHARS_MAX = 10 * 1024 * 1024;

const milliseconds = z.int().nullable();
const report = z.object({
  ok: z.boolean(),
  deployment: z.string(),
  tookMs: z.int(),
  incident: z.string().startsWith("inc_"),
  durations: z.object({
    faultToDetectMs: milliseconds,
    faultToMitigateMs: milliseconds,
    timeToDetectMs: milliseconds,
    timeToAcknowledgeMs: milliseconds,
    timeToMitigateMs: milliseconds,
    timeToEnforceMs: milliseconds,
    timeToResolveMs: milliseconds,
  }),
  phases: z.array(
    z.object({
      phase: z.string(),
      served: z.int(),
      refused: z.int(),
      failed: z.int(),
      broken: z.int(),
    }),
  ),
  collateral: z.object({ served: z.int(), refused: z.int(), failed: z.int(), broken: z.int() }),
  people: z.array(
    z.object({ what: z.string().min(1), why: z.string().min(1), doneAtMs: milliseconds }),
  ),
  expectations: z.array(z.object({ id: z.string(), ok: z.boolean(), saw: z.string() })),
  postmortem: z.string(),
});
export type GamedayReport = z.infer<typeof report>;

/** Resolves with the report and what was printed; a failed expectation is in the report, not thrown. */
export async function runGameday(
  args: readonly string[],
): Promise<{ readonly report: GamedayReport; readonly exitCode: number; readonly output: string }> {
  const directory = await mkdtemp(join(tmpdir(), "firebreak-gameday-"));
  const file = join(directory, "report.json");
  try {
    const { exitCode, output } = await run([...args, "--json", file]);
    const written = report.safeParse(JSON.parse(await readFile(file, "utf8")));
    if (written.success) return { report: written.data, exitCode, output };
    throw new Error(`the report is not whole: ${written.error.message}\n${output}`);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function run(
  args: readonly string[],
): Promise<{ readonly exitCode: number; readonly output: string }> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [RUN, ...args], {
      maxBuffer: OUTPUT_CHARS_MAX,
      timeout: RUN_MS_MAX,
    });
    return { exitCode: 0, output: stdout };
  } catch (error) {
    // Only an exit code of its own is an answer; anything else is a gameday that never was.
    const failed = z.object({ code: z.int(), stdout: z.string() }).safeParse(error);
    if (!failed.success) throw error;
    return { exitCode: failed.data.code, output: failed.data.stdout };
  }
}
