import { readdirSync } from "node:fs";
import { describe, it } from "vitest";
import { problemsOf, readHere, RIGHT } from "./support.ts";

const names: readonly string[] = readdirSync(new URL("invalid/", import.meta.url))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => name.replace(".yaml", ""))
  .toSorted();

describe("a playbook that is wrong in one thing", () => {
  it("differs from one with nothing wrong", ({ expect }) => {
    expect(problemsOf("right.yaml", RIGHT)).toEqual([]);
  });

  it.for([...names])("%s gets the message that stands beside it", (name: string, { expect }) => {
    const expected = readHere(`invalid/${name}.txt`).trimEnd().split("\n");

    expect(problemsOf(`${name}.yaml`, readHere(`invalid/${name}.yaml`))).toEqual(expected);
  });
});
