/** `npm start`: the local stack in the foreground until Ctrl-C. `--json` prints one line of JSON when it is ready. */
import { parseArgs } from "node:util";
import { parentGone } from "./parent.ts";
import { PORT_NAMES, startStack, type StackInfo, type StackPorts } from "./stack.ts";

const USAGE = `usage: npm start -- [--json] [--split] [${PORT_NAMES.map((name) => `--port-${name} N`).join("] [")}]`;

const startedAtMs = Date.now();
const stderr = (line: string) => process.stderr.write(`${line}\n`);
const seconds = () => `${((Date.now() - startedAtMs) / 1_000).toFixed(1).padStart(5)} s`;

const asked = readArguments();
const stopping = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => {
    // The second time somebody means it; the warden cleans up behind us.
    if (stopping.signal.aborted) process.exit(1);
    stopping.abort(name);
  });
}
const stopped = new Promise<void>((resolve) => {
  stopping.signal.addEventListener("abort", () => resolve());
});
void parentGone(stopping.signal).then(() => stopping.abort("the parent process ended"));

try {
  await using stack = await startStack({
    split: asked.split,
    ports: asked.ports,
    signal: stopping.signal,
    progress: (line) => stderr(`${seconds()}  ${line}`),
    warn: (line) => stderr(`${seconds()}  WARNING: ${line}`),
    onLog: ({ level, message }) => {
      if (level === "error" || level === "warn") stderr(`[worker ${level}] ${message}`);
    },
  });
  stderr(`${seconds()}  ready`);
  process.stdout.write(asked.json ? `${JSON.stringify(stack.info)}\n` : table(stack.info));
  await stopped;
  stderr("stopping");
} catch (error) {
  if (stopping.signal.aborted) {
    process.exitCode = 130;
  } else {
    stderr(
      `the local stack did not start: ${error instanceof Error ? error.message : String(error)}`,
    );
    process.exitCode = 1;
  }
} finally {
  stopping.abort("done");
}

function readArguments(): { json: boolean; split: boolean; ports: StackPorts } {
  const names = PORT_NAMES.map((name) => `port-${name}` as const);
  try {
    const { values } = parseArgs({
      options: {
        json: { type: "boolean", default: false },
        split: { type: "boolean", default: false },
        ...Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
      },
    });
    const ports = PORT_NAMES.flatMap((name) => {
      const value: unknown = Reflect.get(values, `port-${name}`);
      return typeof value === "string" ? [[name, parsePort(value)] as const] : [];
    });
    return {
      json: values["json"] === true,
      split: values["split"] === true,
      ports: Object.fromEntries(ports),
    };
  } catch (error) {
    stderr(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(`${text} is not a port`);
  return port;
}

function table({
  guard,
  storefront,
  status,
  token,
  postgres,
  replica,
  redis,
  vendors,
}: StackInfo): string {
  const rows = [
    ["guarded site", guard],
    ["storefront itself", storefront],
    ["status page", status],
    ["API", `${guard}/_firebreak/api/v1`],
    ["vendors", vendors],
    ["Postgres", postgres],
    ["its replica", replica],
    ["Redis", redis],
    ["viewer token", token.viewer],
    ["responder token", token.responder],
    ["admin token", token.admin],
  ];
  const width = Math.max(...rows.map(([label = ""]) => label.length));
  const lines = rows.map(([label = "", value = ""]) => `  ${label.padEnd(width)}  ${value}`);
  return `\n${lines.join("\n")}\n\nCtrl-C ends it and leaves nothing behind.\n`;
}
