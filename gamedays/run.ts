/**
 * `npm run gameday <name>|all`: breaks the local stack on purpose, watches what Firebreak does, and says whether that was what
 * it promises. Exits 1 when an expectation failed, 2 when it was asked wrongly.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { attachedStack, ownStack, type Ground } from "./field.ts";
import { firebreakAt } from "./firebreak.ts";
import type { Gameday, Report } from "./gameday.ts";
import { withPeople } from "./people.ts";
import { renderReport, renderSummary, type Run } from "./print.ts";
import { gamedays } from "./registry.ts";

const REPEATS_MAX = 100;
const USAGE =
  "usage: npm run gameday <name>|all -- [--attach URL|READY-JSON] [--split] [--variant NAME] [--repeat N] [--json FILE]";

type Planned = {
  readonly gameday: Gameday;
  readonly variant: string;
  /** From 1 to `--repeat`. */
  readonly round: number;
};

type Asked = {
  readonly runs: readonly Planned[];
  readonly attach: string | undefined;
  readonly split: boolean;
  readonly json: string | undefined;
};

const startedAtMs = Date.now();
const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    // The second time somebody means it; the stack's warden cleans up behind us.
    if (stopping.signal.aborted) process.exit(130);
    stopping.abort(new Error(`stopped by ${name}`));
  });
}

const asked = readArguments();
const runs: Run[] = [];
for (const planned of asked.runs) {
  if (stopping.signal.aborted) break;
  const outcome = await outcomeOf(planned);
  runs.push({
    gameday: planned.gameday.name,
    variant: planned.variant,
    round: planned.round,
    outcome,
  });
  if (typeof outcome === "string") continue;
  if (outcome.postmortem !== null) print(`\n${outcome.postmortem.trimEnd()}`);
  print(`\n${renderReport(outcome)}\n`);
}
if (asked.runs.length > 1) print(renderSummary(runs));
const reports = runs.flatMap(({ outcome }) => (typeof outcome === "string" ? [] : [outcome]));
if (asked.json !== undefined) {
  const content = reports.length === 1 ? reports[0] : reports;
  await writeFile(asked.json, `${JSON.stringify(content, null, 2)}\n`);
}
const isGreen = reports.length === asked.runs.length && reports.every(({ ok }) => ok);
process.exitCode = stopping.signal.aborted ? 130 : isGreen ? 0 : 1;

/** The report, or why it never began: the stack did not start, or could not be reached. The next run may have more luck. */
async function outcomeOf({ gameday, variant }: Planned): Promise<Report | string> {
  const which = asked.runs.length > 1 ? `, run ${runs.length + 1} of ${asked.runs.length}` : "";
  say(`gameday ${gameday.name}, ${variant}${which}`);
  try {
    await using ground = await groundFor();
    const { stack, deployment } = ground;
    const report = await gameday.run({ stack, deployment, variant, say, signal: stopping.signal });
    return await withPeople(firebreakAt(stack), report).catch((error: unknown) => {
      say(`who did what could not be read: ${reasonIn(error)}`);
      return { ...report, people: null };
    });
  } catch (error) {
    const reason = reasonIn(error);
    say(reason);
    return reason;
  }
}

const reasonIn = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function groundFor(): Promise<Ground> {
  if (asked.attach !== undefined) return attachedStack(asked.attach);
  return ownStack({ split: asked.split, say, signal: stopping.signal });
}

function say(line: string): void {
  const at = ((Date.now() - startedAtMs) / 1_000).toFixed(1).padStart(6);
  print(`${at} s  ${line}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function readArguments(): Asked {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        attach: { type: "string" },
        split: { type: "boolean", default: false },
        variant: { type: "string" },
        repeat: { type: "string", default: "1" },
        json: { type: "string" },
      },
    });
    const repeat = Number(values.repeat);
    if (!Number.isInteger(repeat) || repeat < 1 || repeat > REPEATS_MAX) {
      throw new Error(`--repeat takes 1 to ${REPEATS_MAX}`);
    }
    if (positionals.length !== 1) throw new Error("name one gameday, or all");
    const once = chosen(positionals[0] ?? "", values.variant);
    return {
      runs: Array.from({ length: repeat }, (_, index) =>
        once.map((one) => ({ ...one, round: index + 1 })),
      ).flat(),
      attach: values.attach,
      split: values.split,
      json: values.json,
    };
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
    process.exit(2);
  }
}

/** One gameday in one variant; `all` runs every variant of every gameday. */
function chosen(name: string, variant: string | undefined): readonly Omit<Planned, "round">[] {
  const known = gamedays.map((gameday) => gameday.name).join(", ");
  const found = gamedays.filter((gameday) => name === "all" || gameday.name === name);
  if (found.length === 0) throw new Error(`there is no gameday "${name}"; there is: ${known}`);
  if (variant === undefined) {
    return found.flatMap((gameday) =>
      (name === "all" ? gameday.variants : gameday.variants.slice(0, 1)).map((one) => ({
        gameday,
        variant: one,
      })),
    );
  }
  const runs = found.filter((gameday) => gameday.variants.includes(variant));
  if (runs.length > 0) return runs.map((gameday) => ({ gameday, variant }));
  const variants = found.flatMap((gameday) => gameday.variants).join(", ");
  throw new Error(`there is no variant "${variant}"; there is: ${variants}`);
}
