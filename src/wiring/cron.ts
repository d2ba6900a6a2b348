/** What the cron does each minute. */
import type { Config } from "../config.ts";
import type { Env } from "../env.ts";
import { reap } from "../mitigations/reaper.ts";
import { markings } from "../mitigations/registry.ts";
import { settleAll } from "../shared/settle-all.ts";
import { reachOf } from "./incidents.ts";
import { monitorOf } from "./objects.ts";
import { say } from "../shared/log.ts";

/** Watches the monitor, which watches everything else; and cleans up at the vendors, whatever became of the monitor. */
export const onCron = (env: Env, config: Config): Promise<void> =>
  settleAll([() => monitorOf(env).poke("cron"), () => reapAll(env, config)]);

async function reapAll(env: Env, config: Config): Promise<void> {
  for (const reaped of await reap(markings, reachOf(env, config), Date.now())) {
    const level = reaped.outcome === "failed" ? "error" : "warn";
    say(level, { part: "mitigations", reaped });
  }
}
