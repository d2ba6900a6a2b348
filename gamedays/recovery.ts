/** Runs a recovery script as a person does: dry, to see what it counts, and then with those counts. */
import pg from "pg";

const DRY = /^dry run, nothing was changed: (.*)$/;

/** Connects to live and back-reads the branch. Resolves with the counts that were committed. @throws {pg.DatabaseError} as the script does. */
export async function runRecovery(live: pg.Client, script: string, branch: URL): Promise<string> {
  const settings = {
    host: branch.hostname,
    port: branch.port === "" ? "5432" : branch.port,
    dbname: branch.pathname.slice(1),
    user: decodeURIComponent(branch.username),
    password: decodeURIComponent(branch.password),
    expect: "",
  };
  for (const [name, value] of Object.entries(settings)) await set(live, name, value);
  const counts = await dryRun(live, script);
  await set(live, "expect", counts);
  await attempt(live, script);
  return counts;
}

/** What it would do. */
export async function dryRun(live: pg.Client, script: string): Promise<string> {
  try {
    await attempt(live, script);
  } catch (error) {
    const said = error instanceof pg.DatabaseError ? DRY.exec(error.message) : null;
    if (said?.[1] !== undefined) return said[1];
    throw error;
  }
  throw new Error("the script committed what nobody had agreed to");
}

async function attempt(live: pg.Client, script: string): Promise<void> {
  try {
    await live.query(script);
  } catch (error) {
    await live.query("ROLLBACK");
    throw error;
  }
}

const set = (live: pg.Client, name: string, value: string): Promise<unknown> =>
  live.query("SELECT set_config($1, $2, false)", [`recover.${name}`, value]);
