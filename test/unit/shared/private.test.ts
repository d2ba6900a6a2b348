import { it } from "vitest";
import { privateIn } from "../../../src/shared/private.ts";

it.for([
  ["Ask ada@shop.example about it", "an e-mail address"],
  ["Requests from 203.0.113.9 fail", "an IP address"],
  ["Requests from 2001:db8::1 fail", "an IP address"],
  ["Card 4242 4242 4242 4242 was charged twice", "the number of a card or an account"],
  ["db-7.internal does not answer", "an internal name"],
  ["postgres://app:hunter2@db/shop is down", "what may be a secret"],
  ["The key sk_live_9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d leaked", "what may be a secret"],
] as const)("%s: %s", ([text, what], { expect }) => {
  expect(privateIn(text)).toBe(what);
});

it.for([
  "Sign-in fails for about 40 % of visitors since 14:02:11 UTC; version 4.13.19 is rolled back.",
  "We are working on https://shop.example/checkout and will say more by 15:30.",
  "Orders 2026-11-23 to 2026-11-24 are complete: nothing was lost.",
])("%s may be read by all", (text, { expect }) => {
  expect(privateIn(text)).toBeNull();
});
