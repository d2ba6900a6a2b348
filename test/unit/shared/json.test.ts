import { it } from "vitest";
import { parseJson } from "../../../src/shared/json.ts";

it("reads what is JSON, null included", ({ expect }) => {
  expect(parseJson('{"a":[1]}')).toEqual({ a: [1] });
  expect(parseJson("null")).toBeNull();
});

it.for(["", "{", "undefined", "whsec_secret", "\u0000"])(
  "says that %j is none",
  (text, { expect }) => {
    expect(parseJson(text)).toBeUndefined();
  },
);
