/** The jobs beside production, against real servers that are really kept busy. */
import { afterAll, beforeAll, it, onTestFinished } from "vitest";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import pg from "pg";
import { databaseServer, readCpu, usedBetween, workersRuntime } from "../../../dev/told-cpu.ts";
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
  const before = await readCpu(databaseServer(postgres.cluster));
  const session = new pg.Client({ connectionString: postgres.url("postgres") });
  await session.connect();
  // As much work as takes so long by the session's own clock, however busy the machine is otherwise.
  await session.query(
    `DO $$ BEGIN WHILE clock_timestamp() < transaction_timestamp() + interval '${BUSY_SECONDS} s' LOOP END LOOP; END $$`,
  );
  const during = await readCpu(databaseServer(postgres.cluster));
  await session.end();
  const after = await readCpu(databaseServer(postgres.cluster));
  if (before === null || during === null || after === null) throw new Error("the server is up");
  // A machine that does other things as well gives it less than a whole CPU.
  expect(during.seconds - before.seconds).toBeGreaterThan(BUSY_SECONDS * 0.1);
  expect(during.seconds - before.seconds).toBeLessThan(BUSY_SECONDS * 1.5);
  expect(after.seconds).toBeGreaterThanOrEqual(during.seconds);

  await postgres.stop();
  expect(await readCpu(databaseServer(postgres.cluster))).toBeNull();
  await postgres.start();
  const anew = await readCpu(databaseServer(postgres.cluster));
  if (anew === null) throw new Error("the server is up again");
  expect(usedBetween(after, anew)).toBeNull();
});

it("counts what the Workers use, and nothing while none run", async ({ expect }) => {
  expect(await readCpu(workersRuntime)).toBeNull();
  const runtime = new Miniflare(
    convertV4MiniflareOptions({
      cf: false,
      telemetry: { enabled: false },
      modules: true,
      script: `export default {
        fetch() {
          for (let n = 0; n < 2e8; n += 1) Math.sqrt(n);
          return new Response();
        }
      }`,
    }),
  );
  onTestFinished(() => runtime.dispose());
  const url = await runtime.ready;
  const before = await readCpu(workersRuntime);
  await (await fetch(url)).text();
  const after = await readCpu(workersRuntime);
  if (before === null || after === null) throw new Error("the Workers run");
  expect(after.server).toBe(before.server);
  expect(after.seconds).toBeGreaterThan(before.seconds);
});

it("is a share of all the machine's CPUs, between 0 and 1", ({ expect }) => {
  const reading = (seconds: number, atMs: number) => ({ server: 7, seconds, atMs });
  expect(usedBetween(reading(10, 0), reading(10, 5_000))).toBe(0);
  expect(usedBetween(reading(10, 0), reading(10_000, 5_000))).toBe(1);
  expect(usedBetween(reading(10, 0), reading(11, 0))).toBeNull();
});
