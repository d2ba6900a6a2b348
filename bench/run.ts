/**
 * `npm run bench -- <name>… [--rounds N] [--json FILE]`: measures on this machine, now, next to what it is compared with. What
 * is printed are medians and spreads; nothing passes or fails.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { ip, sayIp } from "./ip.ts";
import { limits, sayLimits } from "./limits.ts";
import { saySketches, sketches } from "./sketches.ts";

const BENCHES = {
  ip: async (rounds: number) => {
    const report = await ip(rounds);
    return { report, text: sayIp(report) };
  },
  limits: (rounds: number) => {
    const report = limits(rounds);
    return { report, text: sayLimits(report) };
  },
  sketches: (rounds: number) => {
    const report = sketches(rounds);
    return { report, text: saySketches(report) };
  },
} as const;

const ROUNDS = 9;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, rounds: { type: "string" } },
});
const rounds = Number(values.rounds ?? ROUNDS);
const known = Object.keys(BENCHES);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`npm run bench -- [${known.join("|")}]… [--rounds N] [--json FILE]`);
  process.exit(2);
}

const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
const reports: Record<string, unknown> = { machine, rounds, loadBefore: loadavg()[0] };
for (const [name, bench] of Object.entries(BENCHES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const { report, text } = await bench(rounds);
  reports[name] = report;
  console.log(text);
}
reports["loadAfter"] = loadavg()[0];
console.log(
  `load of the machine: ${String(reports["loadBefore"])} before, ${String(reports["loadAfter"])} after`,
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reports, null, 2)}\n`);
