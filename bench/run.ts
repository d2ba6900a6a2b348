/**
 * `npm run bench -- <name>… [--rounds N] [--json FILE]`: measures on this machine, now, next to what it is compared with. What
 * is printed are medians and spreads; nothing passes or fails.
 */
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { alerts, alertsGoals, sayAlerts } from "./alerts.ts";
import { challenge, challengeGoals, sayChallenge } from "./challenge.ts";
import { crowd, crowdGoals, sayCrowd } from "./crowd.ts";
import { decision, decisionGoals, sayDecision } from "./decision.ts";
import { sayGoal, type Goal } from "./goal.ts";
import { guard, guardGoals, sayGuard } from "./guard.ts";
import { ip, ipGoals, sayIp } from "./ip.ts";
import { limits, limitsGoals, sayLimits } from "./limits.ts";
import { objects, objectsGoals, sayObjects } from "./objects.ts";
import { rig, rigGoals, sayRig } from "./rig.ts";
import { saySketches, sketches, sketchesGoals } from "./sketches.ts";
import { sayStartUp, startUp, startUpGoals } from "./start-up.ts";
import { sayTrafficAnalysis, trafficAnalysis, trafficAnalysisGoals } from "./traffic-analysis.ts";

type Bench = (rounds: number | null) => Promise<{
  readonly report: unknown;
  readonly text: string;
  readonly goals: readonly Goal[];
}>;

const ROUNDS = 9;
/** Of the pair that a goal with a confidence bound is about. */
const PAIRED_ROUNDS = 30;
/** Granted one after another. */
const LEASES = 20;

const BENCHES: Readonly<Record<string, Bench>> = {
  guard: async (rounds) => {
    const report = await guard(rounds ?? PAIRED_ROUNDS);
    return { report, text: sayGuard(report), goals: guardGoals(report) };
  },
  decision: async (rounds) => {
    const report = decision(rounds ?? ROUNDS);
    return { report, text: sayDecision(report), goals: decisionGoals(report) };
  },
  challenge: async (rounds) => {
    const report = await challenge(rounds ?? ROUNDS);
    return { report, text: sayChallenge(report), goals: challengeGoals(report) };
  },
  /** Once: ten million addresses are rounds enough. */
  crowd: async () => {
    const report = await crowd();
    return { report, text: sayCrowd(report), goals: crowdGoals(report) };
  },
  /** Once: ten thousand alerts are rounds enough. */
  alerts: async () => {
    const report = await alerts();
    return { report, text: sayAlerts(report), goals: alertsGoals(report) };
  },
  "start-up": async (rounds) => {
    const report = await startUp(rounds ?? ROUNDS);
    return { report, text: sayStartUp(report), goals: startUpGoals(report) };
  },
  objects: async (rounds) => {
    const report = await objects(rounds ?? ROUNDS);
    return { report, text: sayObjects(report), goals: objectsGoals(report) };
  },
  rig: async (rounds) => {
    const report = await rig(rounds ?? LEASES);
    return { report, text: sayRig(report), goals: rigGoals(report) };
  },
  ip: async (rounds) => {
    const report = await ip(rounds ?? ROUNDS);
    return { report, text: sayIp(report), goals: ipGoals(report) };
  },
  limits: async (rounds) => {
    const report = limits(rounds ?? ROUNDS);
    return { report, text: sayLimits(report), goals: limitsGoals(report) };
  },
  sketches: async (rounds) => {
    const report = sketches(rounds ?? ROUNDS);
    return { report, text: saySketches(report), goals: sketchesGoals(report) };
  },
  "traffic-analysis": async (rounds) => {
    const report = await trafficAnalysis(rounds ?? ROUNDS);
    return { report, text: sayTrafficAnalysis(report), goals: trafficAnalysisGoals(report) };
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "string" }, rounds: { type: "string" } },
});
const rounds = values.rounds === undefined ? null : Number(values.rounds);
const known = Object.keys(BENCHES);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0 || (rounds !== null && !(Number.isInteger(rounds) && rounds >= 1))) {
  console.error(`npm run bench -- [${known.join("|")}]… [--rounds N] [--json FILE]`);
  process.exit(2);
}

// So that what was started is ended, too: see workerd/process.ts.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => process.exit(1));

const machine = { node: process.version, cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length };
const reports: Record<string, unknown> = { machine, loadBefore: loadavg()[0] };
for (const [name, bench] of Object.entries(BENCHES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const { report, text, goals } = await bench(rounds);
  reports[name] = { goals, report };
  console.log([text, "Goals", ...goals.map(sayGoal)].join("\n"));
}
reports["loadAfter"] = loadavg()[0];
console.log(
  `load of the machine: ${String(reports["loadBefore"])} before, ${String(reports["loadAfter"])} after`,
);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reports, null, 2)}\n`);
