/**
 * A program: Redis behind Upstash's REST API, in a process of its own, so that it takes no time from whoever measures. Prints
 * its URL, and ends with its standard input. @upstash/ratelimit's scripts begin with a line that only Upstash knows.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRedis, type CommandLine } from "../dev/redis.ts";
import { startUpstashBridge } from "../dev/upstash-bridge.ts";

export const BRIDGE_TOKEN = "a-token-of-the-bench";

const FIRST_LINE = /^#!lua[^\n]*\n/;

async function serve(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "firebreak-bench-redis-"));
  await using redis = await startRedis({ directory, warn: console.error });
  const stripped = new Map<string, string>();
  const command = (line: CommandLine) => redis.command(withoutFirstLine(line, stripped));
  await using bridge = await startUpstashBridge({
    redis: { ...redis, command },
    token: BRIDGE_TOKEN,
  });
  console.log(bridge.url);
  for await (const _ of process.stdin);
  rmSync(directory, { recursive: true });
}

/** Clients ask by the hash of the whole script, Redis knows the rest of it. */
function withoutFirstLine(line: CommandLine, stripped: Map<string, string>): CommandLine {
  const [name, script = "", ...rest] = line;
  if (name.toUpperCase() === "EVALSHA") return [name, stripped.get(script) ?? script, ...rest];
  if (name.toUpperCase() !== "EVAL" || !FIRST_LINE.test(script)) return line;
  const known = script.replace(FIRST_LINE, "");
  stripped.set(sha1(script), sha1(known));
  return [name, known, ...rest];
}

const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

if (import.meta.main) await serve();
