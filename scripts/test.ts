/**
 * `npm test`: generates, checks, and runs every test project that this machine can run. Says which it cannot and why; in
 * CI (`CI=true`) that is a failure. Ends with `N passed, N failed`.
 */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { z } from "zod";

type Project = {
  readonly name: string;
  /** A program without which the project's tests cannot run. */
  readonly needs: string | null;
};

const PROJECTS: readonly Project[] = [
  { name: "unit", needs: null },
  { name: "workerd", needs: null },
  { name: "integration", needs: null },
  { name: "redis", needs: "redis-server" },
  { name: "e2e", needs: null },
  { name: "chromium", needs: "chromium" },
  { name: "alertmanager", needs: "prometheus-alertmanager" },
  { name: "promtool", needs: "promtool" },
];

const OWN = "firebreak-test-";
const IN_MEMORY = "/dev/shm";
const ROOM_BYTES_MIN = 4 * 1024 ** 3;

const report = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  numPendingTests: z.int(),
  success: z.boolean(),
});

const isCi = process.env["CI"] === "true";
const missing = PROJECTS.filter(({ needs }) => needs !== null && !isOnPath(needs));
for (const { name, needs } of missing) {
  console.log(`NOT RUN: the ${name} tests need ${needs}, which this machine does not have.`);
}
if (isCi && missing.length > 0) {
  console.error("In CI every test runs: install what is missing.");
  process.exit(1);
}

if (run("npm", ["run", "--silent", "check:static"]) !== 0) process.exit(1);
const { passed, failed, isSuccess } = runTests(PROJECTS.filter((one) => !missing.includes(one)));
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = isSuccess ? 0 : 1;

function runTests(projects: readonly Project[]) {
  const root = roomiest();
  forgetTheDead(root);
  const directory = mkdtempSync(join(root, `${OWN}${process.pid}-`));
  // The server's user, which as root is another, puts its files there, too.
  chmodSync(directory, 0o755);
  const outputFile = join(directory, "report.json");
  try {
    const vitest = [
      "run",
      ...projects.flatMap(({ name }) => ["--project", name]),
      "--reporter=default",
      "--reporter=json",
      "--reporter=./test/support/red-at-first.ts",
      `--outputFile.json=${outputFile}`,
    ];
    const status = run("vitest", vitest, { TMPDIR: directory });
    const counted = report.parse(JSON.parse(readFileSync(outputFile, "utf8")));
    // A skipped test is one that did not pass.
    const failed = counted.numFailedTests + counted.numPendingTests;
    // An error outside any test counts, too.
    const isSuccess = status === 0 && counted.success && failed === 0;
    return {
      passed: counted.numPassedTests,
      failed: isSuccess ? 0 : Math.max(failed, 1),
      isSuccess,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function run(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): number {
  const env = { ...process.env, ...environment };
  return spawnSync(command, args, { stdio: "inherit", env }).status ?? 1;
}

/**
 * Where the tests' databases and objects are kept: in memory where there is room for them. Objects sync each write, thousands of times in
 * a sweep of kills, and a disk that stalls for seconds is nothing that a gameday is about.
 */
function roomiest(): string {
  if (!existsSync(IN_MEMORY) || process.availableMemory() < 2 * ROOM_BYTES_MIN) return tmpdir();
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  return bavail * bsize >= ROOM_BYTES_MIN && mayRunIn(IN_MEMORY) ? IN_MEMORY : tmpdir();
}

/** Who is interrupted leaves a folder behind, and in memory it would stay until the machine is started again. */
function forgetTheDead(root: string): void {
  for (const name of readdirSync(root)) {
    const pid = /^(\d+)-/.exec(name.startsWith(OWN) ? name.slice(OWN.length) : "")?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) {
      rmSync(join(root, name), { recursive: true, force: true });
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's is alive, too.
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/** Postgres is run from there. Containers often mount it so that nothing may be. */
function mayRunIn(directory: string): boolean {
  const own = mkdtempSync(join(directory, `${OWN}${process.pid}-`));
  try {
    const program = join(own, "program");
    writeFileSync(program, "#!/bin/sh\nexit 0\n", { mode: 0o755 });
    return spawnSync(program).status === 0;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

function isOnPath(program: string): boolean {
  const directories = (process.env["PATH"] ?? "").split(delimiter);
  return directories.some((directory) => existsSync(join(directory, program)));
}
