import { it } from "vitest";
import { onOwnHost } from "../../../src/http/own-host.ts";

const OWN = "https://status.shop.example";

it.for([
  ["https://status.shop.example/", "/_firebreak/status"],
  ["https://status.shop.example/history.atom", "/_firebreak/status/history.atom"],
  ["https://status.shop.example/api/v2/summary.json?x=1", "/_firebreak/status/api/v2/summary.json"],
  [
    "https://status.shop.example/_firebreak/api/v1/incidents",
    "/_firebreak/status/_firebreak/api/v1/incidents",
  ],
  ["https://status.shop.example/../api/v1/incidents", "/_firebreak/status/api/v1/incidents"],
] as const)("%s is %s", ([url, path], { expect }) => {
  expect(new URL(onOwnHost(new Request(url), OWN)?.url ?? "").pathname).toBe(path);
});

it.for([
  "https://shop.example/",
  "https://status.shop.example.evil.example/",
  "https://status.shop.example:8443/",
  "http://status.shop.example/",
])("%s is the site's", (url, { expect }) => {
  expect(onOwnHost(new Request(url), OWN)).toBeNull();
});
