import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { nobody, origin } from "./test/support/origin.ts";

/** As the tests of mail know it. */
const SENDER = "firebreak@shop.example";

/**
 * What is measured second by second on a machine that others use, too, may be red for the machine's sake: once more, aloud, and never
 * twice (docs/decisions/0530).
 */
const PLAYED_AGAIN = 1;

/** Both cores of a small machine: one by default is left to a person at it, and in CI there is none. */
const WORKERS = process.env["CI"] === "true" ? "100%" : undefined;

export default defineConfig({
  test: {
    ...(WORKERS === undefined ? {} : { maxWorkers: WORKERS }),
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          // Nothing in them has a state of its own, and most of the time went into loading the same modules again.
          isolate: false,
          // Some of them count ten million of something, on machines that do other things as well.
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        plugins: [
          cloudflareTest({
            main: "./test/workerd/entry.ts",
            additionalExports: { Collector: "WorkerEntrypoint" },
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: {
              serviceBindings: { ORIGIN: origin },
              email: { send_email: [{ name: "EMAIL", allowed_sender_addresses: [SENDER] }] },
              // Tests ask nothing of the world.
              outboundService: nobody,
              durableObjects: {
                TEST_DESK: { className: "TestDesk", useSQLite: true },
                TEST_INCIDENT: { className: "TestIncident", useSQLite: true },
                TEST_JOURNAL: { className: "TestJournal", useSQLite: true },
                TEST_LIMITER: { className: "TestLimiter", useSQLite: true },
                TEST_MONITOR: { className: "TestMonitor", useSQLite: true },
                TEST_POLICY: { className: "TestPolicy", useSQLite: true },
                TEST_TRAFFIC: { className: "TestTraffic", useSQLite: true },
              },
            },
          }),
        ],
        test: {
          name: "workerd",
          // Incidents log each row; thousands of lives of them, passed on line by line, outlast the tests.
          disableConsoleIntercept: true,
          // On a busy machine; alone, none takes more than a few seconds.
          testTimeout: 30_000,
          include: ["test/workerd/**/*.test.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "integration",
          sequence: { groupOrder: 2 },
          include: ["test/integration/**/*.test.ts"],
          exclude: [
            "test/integration/**/*.redis.test.ts",
            "test/integration/**/*.promtool.test.ts",
          ],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Needs the machine's redis-server.
        test: {
          name: "redis",
          include: ["test/integration/**/*.redis.test.ts"],
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: "e2e",
          // Alone on the machine: it measures what visitors see, second by second.
          sequence: { groupOrder: 4 },
          include: ["test/e2e/**/*.test.ts"],
          exclude: ["test/e2e/**/*.chromium.test.ts", "test/e2e/**/*.alertmanager.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          retry: PLAYED_AGAIN,
          fileParallelism: false,
          // Of those in one file that say that they may go beside each other.
          maxConcurrency: 2,
        },
      },
      {
        // Needs the machine's chromium.
        test: {
          name: "chromium",
          sequence: { groupOrder: 5 },
          include: ["test/e2e/**/*.chromium.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          retry: PLAYED_AGAIN,
          fileParallelism: false,
        },
      },
      {
        // Needs Debian's prometheus-alertmanager.
        test: {
          name: "alertmanager",
          sequence: { groupOrder: 6 },
          include: ["test/e2e/**/*.alertmanager.test.ts"],
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Needs Debian's prometheus.
        test: {
          name: "promtool",
          include: ["test/integration/**/*.promtool.test.ts"],
          sequence: { groupOrder: 7 },
        },
      },
    ],
  },
});
