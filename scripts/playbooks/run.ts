/** Runs the timelines beside the playbooks, and says how what happened differs from what was expected. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plainSite } from "../../src/notify/message-site.ts";
import { readPlaybook } from "../../src/playbooks/check.ts";
import { compilePlaybook } from "../../src/playbooks/compile.ts";
import { formatDiagnostic } from "../../src/playbooks/diagnostics.ts";
import { problemWithValue } from "../../src/playbooks/params.ts";
import { vocabulary } from "../vocabulary.ts";
import { simulate } from "./simulate.ts";
import { judgeThresholds, thresholdProblems, type ThresholdResult } from "./thresholds.ts";
import { readTimelineFile, type Readings, type Timeline } from "./timeline-file.ts";

const FOLDER = fileURLToPath(new URL("../../playbooks", import.meta.url));
const SUFFIX = ".test.yaml";
/** What the actuators that a timeline takes away lack. */
const LACKS = "it is not configured";

export type TimelineResult = {
  readonly file: string;
  readonly name: string;
  readonly happened: readonly string[];
  readonly expected: readonly string[];
};

/** Every playbook by its id, and whether it has timelines. */
export function playbookIds(): readonly { readonly id: string; readonly isTested: boolean }[] {
  const names = readdirSync(FOLDER);
  return names
    .filter((name) => name.endsWith(".yaml") && !name.endsWith(SUFFIX) && name !== "site.yaml")
    .map((name) => name.slice(0, -".yaml".length))
    .map((id) => ({ id, isTested: names.includes(`${id}${SUFFIX}`) }));
}

/** Runs all timelines of a playbook. @throws {Error} naming everything that is wrong with the files. */
export function runTimelines(id: string): readonly TimelineResult[] {
  const { file, written, bundled, playbook, words } = load(id);
  const { well, tests, channels, missing } = written;
  const ground = {
    playbook,
    actuators: words.actuators,
    missing: {},
    site: plainSite({ title: "Test", channels, url: null }),
  };
  return tests.map((timeline) => {
    const lacking = timeline.missing ?? missing;
    const problems = [
      ...lacking
        .filter((one) => !(one in words.actuators))
        .map((one) => `there is no actuator ${one}`),
      ...unknownNames(timeline, well, new Set(Object.keys(words.signals))),
      ...paramProblems(timeline, bundled.spec.params),
    ];
    if (problems.length > 0) throw new Error(`${file}, "${timeline.name}": ${problems.join("; ")}`);
    const happened = simulate({
      ground: { ...ground, missing: Object.fromEntries(lacking.map((one) => [one, LACKS])) },
      bundled,
      well,
      timeline,
    });
    return { file, name: timeline.name, happened, expected: timeline.expect };
  });
}

/** Where the rules of a playbook begin; none where the file does not say. @throws {Error} naming everything that is wrong with it. */
export function runThresholds(id: string): readonly ThresholdResult[] {
  const { file, written, playbook, words } = load(id);
  const { well, thresholds } = written;
  if (Object.keys(thresholds).length === 0) return [];
  const known = new Set(Object.keys(words.signals));
  const named = Object.values(thresholds).flatMap(({ quiet, fires }) => [...quiet, ...fires]);
  const problems = [
    ...unknownIn([well, ...named], known),
    ...thresholdProblems(playbook, thresholds),
  ];
  if (problems.length > 0) throw new Error(`${file}, thresholds: ${problems.join("; ")}`);
  return judgeThresholds(playbook, { well, thresholds });
}

function load(id: string) {
  const file = `${id}${SUFFIX}`;
  const read = readTimelineFile(sourceOf(file));
  const source = sourceOf(`${id}.yaml`);
  const playbook = readPlaybook(source);
  if (!read.ok) throw new Error(read.error.map(formatDiagnostic).join("\n"));
  if (!playbook.ok) throw new Error(playbook.error.map(formatDiagnostic).join("\n"));
  const words = vocabulary();
  const bundled = { spec: playbook.value.spec, source: source.text, sha256: "0".repeat(64) };
  const compiled = compilePlaybook(bundled, words);
  if (!compiled.ok) throw new Error(compiled.error.map(({ message }) => message).join("\n"));
  if (read.value.playbook !== id) throw new Error(`${file}: playbook is not "${id}"`);
  return { file, written: read.value, bundled, playbook: compiled.value, words };
}

const sourceOf = (name: string) => ({
  name: `playbooks/${name}`,
  text: readFileSync(join(FOLDER, name), "utf8"),
});

/** A name that no source gives would be a test of nothing. */
function unknownNames(
  { signals, while: during }: Timeline,
  well: Readings,
  known: ReadonlySet<string>,
): readonly string[] {
  return unknownIn([well, ...signals.map(({ say }) => say), ...Object.values(during)], known);
}

const unknownIn = (said: readonly Readings[], known: ReadonlySet<string>): readonly string[] =>
  [...new Set(said.flatMap((readings) => Object.keys(readings)))]
    .filter((name) => !known.has(name))
    .map((name) => `there is no signal ${name}`);

function paramProblems(
  { params }: Timeline,
  specs: Readonly<Record<string, Parameters<typeof problemWithValue>[1]>>,
): readonly string[] {
  return Object.entries(params).flatMap(([name, value]) => {
    const spec = specs[name];
    if (spec === undefined) return [`there is no param ${name}`];
    return problemWithValue(name, spec, value) ?? [];
  });
}
