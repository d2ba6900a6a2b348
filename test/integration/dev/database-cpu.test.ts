/** The job beside the database, against a real server that is really kept busy. */
import { beforeAll, afterAll, it } from "vitest";
import pg from "pg";
import { readCpu, usedBetween } from "../../../dev/database-cpu.ts";
import { startPostgres, type Postgres } from "../../../dev/postgres.ts";
import { startWarden } from "../../../dev/warden.ts";

const taken = new AsyncDisposableStack();
let postgres: Postgres;
beforeAll(async () => {
  const { directory } = taken.use(startWarden());
  postgres = taken.use(await startPostgres({ directory }));
});
afterAll(() => taken.disposeAsync());

const BUSY_SECONDS = 1;

it("counts what sessions use, those that have ended included, and says nothing while the server is down", async ({
  expect,
}) => {
  const before = await readCpu(postgres.cluster);
  const session = new pg.Client({ connectionString: postgres.url("postgres") });
  await session.connect();
  // As much work as takes so long by the session's own clock, however busy the machine is otherwise.
  await session.query(
    `DO $$ BEGIN WHILE clock_timestamp() < transaction_timestamp() + interval '${BUSY_SECONDS} s' LOOP END LOOP; END $$`,
  );
  const during = await readCpu(postgres.cluster);
  await session.end();
  const after = await readCpu(postgres.cluster);
  if (before === null || during === null || after === null) throw new Error("the server is up");
  // A machine that does other things as well gives it less than a whole CPU.
  expect(during.seconds - before.seconds).toBeGreaterThan(BUSY_SECONDS * 0.1);
  expect(during.seconds - before.seconds).toBeLessThan(BUSY_SECONDS * 1.5);
  expect(after.seconds).toBeGreaterThanOrEqual(during.seconds);

  await postgres.stop();
  expect(await readCpu(postgres.cluster)).toBeNull();
  await postgres.start();
  const anew = await readCpu(postgres.cluster);
  if (anew === null) throw new Error("the server is up again");
  expect(usedBetween(after, anew)).toBeNull();
});

it("is a share of all the machine's CPUs, between 0 and 1", ({ expect }) => {
  const reading = (seconds: number, atMs: number) => ({ server: 7, seconds, atMs });
  expect(usedBetween(reading(10, 0), reading(10, 5_000))).toBe(0);
  expect(usedBetween(reading(10, 0), reading(10_000, 5_000))).toBe(1);
  expect(usedBetween(reading(10, 0), reading(11, 0))).toBeNull();
});
