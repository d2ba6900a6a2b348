/** `npm start` from outside: what it prints, and that nothing of it is left however it ends. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { describe, it, onTestFinished } from "vitest";
import { z } from "zod";

const PROGRAM = fileURLToPath(new URL("../../../dev/start.ts", import.meta.url));
const GONE = { timeout: 30_000, interval: 100 };

const url = z.url();
const info = z.strictObject({
  guard: url,
  storefront: url,
  status: url,
  token: z.strictObject({ viewer: z.string(), responder: z.string(), admin: z.string() }),
  postgres: url,
  replica: url,
  redis: url,
  vendors: url,
});

type Started = {
  readonly child: ChildProcess;
  /** A variable that every process of this start inherits. */
  readonly mark: string;
  /** Where it was told to put temporary files. */
  readonly temporary: string;
  /** The next line of its standard output. */
  readonly line: () => Promise<string>;
};

type StartOptions = {
  /** A program that runs ours. */
  readonly wrapper?: readonly string[];
  /** Of the temporary folder; as root, only one that Postgres's user may enter is used. */
  readonly mode?: number;
};

/** Starts the program with its own temporary folder and a recognisable environment. */
async function start(
  args: readonly string[],
  { wrapper = [], mode = 0o755 }: StartOptions = {},
): Promise<Started> {
  const temporary = await mkdtemp(join(tmpdir(), "start-test-"));
  await chmod(temporary, mode);
  onTestFinished(() => rm(temporary, { recursive: true, force: true }));
  const mark = crypto.randomUUID();
  const [program = "", ...rest] = [...wrapper, process.execPath, PROGRAM, ...args];
  const child = spawn(program, rest, {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, TMPDIR: temporary, START_TEST_MARK: mark },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => z.string().parse((await lines.next()).value);
  return { child, mark, temporary, line };
}

/** What still runs of a start: by environment, or by working in its folder. */
function processesOf({ mark, temporary }: Started): readonly string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        if (isZombie(pid)) return false;
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
        return environment.includes(mark) || readlinkSync(`/proc/${pid}/cwd`).startsWith(temporary);
      } catch {
        return false; // It ended while we looked.
      }
    })
    .map((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
}

const isZombie = (pid: string): boolean =>
  readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");

const leftovers = (started: Started): readonly string[] => [
  ...processesOf(started),
  ...foldersOf(started),
];
const foldersOf = ({ temporary }: Started): readonly string[] =>
  readdirSync(temporary).filter((name) => name.startsWith("firebreak-"));

describe("npm start", { timeout: 90_000 }, () => {
  it("prints one line of JSON, serves, and leaves nothing after Ctrl-C; who asks for its port fails and leaves nothing either", async ({
    expect,
  }) => {
    const started = await start(["--json"]);
    const stack = info.parse(JSON.parse(await started.line()));
    expect(foldersOf(started)).toHaveLength(1);
    expect(processesOf(started)).toEqual(expect.arrayContaining(["postgres", "workerd"]));

    expect((await fetch(`${stack.storefront}/health`)).status).toBe(200);
    expect(await (await fetch(`${stack.vendors}/__stack`)).json()).toEqual(stack);

    const second = await start(["--json", "--port-guard", new URL(stack.guard).port]);
    expect(await once(second.child, "exit")).toEqual([1, null]);
    expect(leftovers(second)).toEqual([]);
    expect((await fetch(`${stack.storefront}/health`)).status).toBe(200);

    started.child.kill("SIGINT");
    expect(await once(started.child, "exit")).toEqual([0, null]);
    expect(leftovers(started)).toEqual([]);
  });

  it("starts where the temporary folder is private", async ({ expect }) => {
    const started = await start(["--json"], { mode: 0o700 });
    const stack = info.parse(JSON.parse(await started.line()));
    expect((await fetch(`${stack.storefront}/health`)).status).toBe(200);
    started.child.kill("SIGTERM");
    expect(await once(started.child, "exit")).toEqual([0, null]);
    expect(leftovers(started)).toEqual([]);
  });

  it("leaves nothing when it is interrupted half-way", async ({ expect }) => {
    const started = await start(["--json"]);
    // Itself and the first servers and builds.
    await expect.poll(() => processesOf(started).length, GONE).toBeGreaterThan(2);
    started.child.kill("SIGTERM");
    expect(await once(started.child, "exit")).toEqual([130, null]);
    expect(leftovers(started)).toEqual([]);
  });

  it("leaves nothing when it is killed outright", async ({ expect }) => {
    const started = await start(["--json"]);
    await started.line();
    started.child.kill("SIGKILL");
    await expect.poll(() => leftovers(started), GONE).toEqual([]);
  });

  it("leaves nothing when whoever started it is killed", async ({ expect }) => {
    // Not `exec`: the shell must stay, as npm does.
    const started = await start(["--json"], { wrapper: ["/bin/sh", "-c", '"$@"; exit $?', "sh"] });
    await started.line();
    started.child.kill("SIGKILL");
    await expect.poll(() => leftovers(started), GONE).toEqual([]);
  });

  it("names its options when it does not know one", async ({ expect }) => {
    const started = await start(["--prot-guard", "1"]);
    expect(await once(started.child, "exit")).toEqual([2, null]);
  });
});
