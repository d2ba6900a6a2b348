import { it } from "vitest";
import { atOrigin } from "../../../src/guard/origin.ts";

it.for([
  ["https://shop.example/a?b=1", "https://origin.example", "https://origin.example/a?b=1"],
  ["https://shop.example:8443/a", "https://origin.example", "https://origin.example/a"],
  ["https://shop.example/a", "http://127.0.0.1:8787/ignored", "http://127.0.0.1:8787/a"],
  ["http://shop.example:8787/", "https://origin.example/", "https://origin.example/"],
] as const)("%s is asked of %s", ([visited, base, asked], { expect }) => {
  expect(atOrigin(visited, new URL(base)).href).toBe(asked);
});
