/** A gameday's declaration: what it shortens, who visits, how long each part lasts, and what it promises. Unknown keys are errors. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { parseDuration } from "../src/shared/duration.ts";
import { toldSpec } from "./told-expectations.ts";

/** Milliseconds after parsing. */
const duration = z.string().transform((written, context) => {
  const parsed = parseDuration(written);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});

const value = z.union([z.number(), z.boolean(), z.string()]);

const scenario = z.strictObject({
  schema: z.literal("firebreak-gameday/v1"),
  title: z.string().min(1),
  story: z.string().min(1),
  /** By playbook id, or `site`; the API checks names and ranges. They expire by themselves should the gameday die. */
  overrides: z.record(z.string(), z.record(z.string(), value)),
  overrides_last: z.string(),
  visitors: z.strictObject({
    /** Each has an address of its own. */
    count: z.int().min(1).max(250),
    requests_per_second: z.number().min(1).max(200),
    timeout: duration,
  }),
  parts: z.strictObject({
    /** Traffic before the fault. */
    calm: duration,
    /** How long the mitigation is watched before the fault is mended. */
    hold: duration,
    /** Traffic after the last visitor is back. */
    afterwards: duration,
    /** No single step may take longer. */
    patience: duration,
  }),
  expect: z.strictObject({
    detected_within: duration,
    enforced_within: duration,
    /** Share of requests refused where none should be. */
    refused_ratio_max: z.number().min(0).max(1),
    /** Share of requests that production must serve when nothing is wrong. */
    served_ratio_min: z.number().min(0).max(1),
    /** How old the status page may be. */
    status_lag: duration,
    /** How long visitors' reads may take, but for one in twenty, while they are relieved. */
    reads_within: duration.optional(),
    /** Who is told what. */
    told: toldSpec,
  }),
});
export type Scenario = z.infer<typeof scenario>;

/** Reads `<name>.yaml` beside this file. @throws {Error} naming the file and everything that is wrong in it. */
export async function readScenario(name: string): Promise<Scenario> {
  const file = new URL(`${name}.yaml`, import.meta.url);
  const parsed = scenario.safeParse(parse(await readFile(file, "utf8")));
  if (parsed.success) return parsed.data;
  throw new Error(`gamedays/${name}.yaml: ${z.prettifyError(parsed.error)}`);
}
