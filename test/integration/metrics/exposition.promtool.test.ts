/** Prometheus's own tool reads what we expose, and has nothing to say against it. */
import { spawnSync } from "node:child_process";
import { it } from "vitest";
import { exposition } from "../../../src/metrics/exposition.ts";
import { someMetrics } from "../../support/metrics.ts";

const check = (text: string) => {
  const { status, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: text,
    encoding: "utf8",
  });
  return { status, said: stderr };
};

it("is well-formed and named as Prometheus likes it", ({ expect }) => {
  expect(check(exposition(someMetrics()))).toEqual({ status: 0, said: "" });
});

it("would be told of a mistake", ({ expect }) => {
  expect(check('firebreak_x{a="b" 1\n').status).not.toBe(0);
});
