import { it } from "vitest";
import { clip } from "../../../src/shared/clip.ts";

it.for([
  ["short", 5, "short"],
  ["longer", 5, "long…"],
  ["ab🔥cd", 4, "ab…"],
  ["ab🔥cd", 5, "ab🔥…"],
] as const)("cuts %s to %i characters as %s", ([text, charsMax, cut], { expect }) => {
  expect(clip(text, charsMax)).toBe(cut);
});
