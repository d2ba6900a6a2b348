import { it, onTestFinished, vi } from "vitest";
import { say } from "../../../src/shared/log.ts";

it("is one line of JSON, found by the incident's id, without a secret however deep", ({
  expect,
}) => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  onTestFinished(() => warn.mockRestore());
  say("warn", {
    part: "http",
    incident: "inc_1",
    detail: "it failed\nat postgres://app:s3cret@db.example/shop",
    asked: { header: "Bearer s3cret", count: 3 },
  });
  const [line = ""] = warn.mock.calls.map(([said]) => String(said));
  expect(line).not.toMatch(/s3cret|\n/);
  expect(JSON.parse(line)).toMatchObject({
    level: "warn",
    part: "http",
    incident: "inc_1",
    asked: { count: 3 },
  });
});
