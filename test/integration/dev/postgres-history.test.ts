/** The data as of a moment, from a real server that has gone on since. */
import pg from "pg";
import { describe, it } from "vitest";
import { keepHistory } from "../../../dev/postgres-history.ts";
import { startPostgres, SUPERUSER } from "../../../dev/postgres.ts";
import { startWarden } from "../../../dev/warden.ts";
import { keep } from "../../support/servers.ts";

async function asked(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

describe("the history of a server", () => {
  it(
    "holds rows that were deleted since, at the moment that is asked for",
    { timeout: 60_000 },
    async ({ expect }) => {
      const { directory } = keep(startWarden());
      const live = keep(await startPostgres({ directory }));
      const ask = (sql: string) => asked(live.url(SUPERUSER), sql);
      await ask("CREATE TABLE payments (id int)");
      const history = keep(await keepHistory(live));
      await ask("INSERT INTO payments VALUES (1), (2)");
      const [[clean]] = (await ask(
        "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8",
      )) as [[number]];
      await ask("DELETE FROM payments WHERE id = 1");

      const [then, now] = [await history.at(Math.ceil(clean)), await history.at(null)];
      const ids = "SELECT id FROM payments ORDER BY id";
      expect(await asked(then.url(SUPERUSER), ids)).toEqual([[1], [2]]);
      expect(await asked(now.url(SUPERUSER), ids)).toEqual([[2]]);

      await asked(then.url(SUPERUSER), "INSERT INTO payments VALUES (3)");
      expect(await ask(ids)).toEqual([[2]]);
      await expect(history.at(0)).rejects.toThrow("before this history began");
    },
  );
});
