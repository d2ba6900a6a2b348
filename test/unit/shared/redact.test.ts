import { it } from "vitest";
import { redact } from "../../../src/shared/redact.ts";

it.for([
  [
    "postgres://app:hunter2@db.internal/shop is down",
    "postgres://[redacted]@db.internal/shop is down",
  ],
  [
    "sent Authorization: Bearer abc.def-ghi, got 401",
    "sent Authorization: Bearer [redacted], got 401",
  ],
  ["GET /x?token=abc&page=2 failed", "GET /x?token=[redacted]&page=2 failed"],
  ['{"api_key": "abc", "name": "x"}', '{"api_key": "[redacted]", "name": "x"}'],
  ["REDIS_TOKEN=abc", "REDIS_TOKEN=[redacted]"],
  ["https://shop.example/status answered 503", "https://shop.example/status answered 503"],
  ["no token is valid", "no token is valid"],
] as const)("%s", ([text, cleaned], { expect }) => {
  expect(redact(text)).toBe(cleaned);
});
