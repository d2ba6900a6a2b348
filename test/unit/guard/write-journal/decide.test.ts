import { it } from "vitest";
import { decide } from "../../../../src/guard/decide.ts";
import { readFacts } from "../../../../src/guard/facts.ts";
import { loadPolicy } from "../../../../src/guard/loaded-policy.ts";
import type { JournalRoute } from "../../../../src/policy/policy.ts";
import { aPolicy, anEntry, aSettings } from "../../../support/policy.ts";

const NOW_MS = 100_000;
const ROUTE: JournalRoute = {
  id: "pay",
  route: "/webhooks/pay",
  scheme: "stripe",
  header: null,
  idHeader: null,
  secret: "JOURNAL_PAY",
  keepHeaders: [],
  bodyBytesMax: 1,
  deliveriesMax: 1,
  bytesMax: 1,
};
const settings = aSettings({ writeJournal: [ROUTE] });

const maintenance = anEntry({ id: "m" });
const readOnly = anEntry({ id: "r", kind: "read-only" });
const backlog = anEntry({ id: "j", kind: "write-journal", match: { routes: ["/webhooks/pay"] } });
const off = anEntry({ id: "f", kind: "disabled-feature", match: { routes: ["/webhooks/*"] } });

it.for([
  ["nothing in force", "POST /webhooks/pay", [], null],
  ["maintenance", "POST /webhooks/pay", [maintenance], "pay"],
  ["read-only", "POST /webhooks/pay", [readOnly], "pay"],
  ["a backlog", "POST /webhooks/pay", [backlog], "pay"],
  ["a backlog in shadow", "POST /webhooks/pay", [{ ...backlog, mode: "shadow" }], null],
  ["its feature switched off", "POST /webhooks/pay", [off], null],
  ["its feature switched off, with a backlog", "POST /webhooks/pay", [off, backlog], null],
  ["a read, in maintenance", "GET /webhooks/pay", [maintenance], null],
  ["a read, with a backlog", "GET /webhooks/pay", [backlog], null],
  ["another path", "POST /webhooks/other", [maintenance], null],
  ["a path that routers may read differently", "POST /webhooks/%70ay", [maintenance], null],
  ["an operator", "POST /webhooks/pay ada", [maintenance], null],
] as const)("%s", ([, asked, entries, expected], { expect }) => {
  const [method = "", path = "", operator = null] = asked.split(" ");
  const request = { method, url: `https://shop.test${path}`, headers: new Headers() };
  const loaded = loadPolicy(aPolicy({ entries: [...entries], settings }));
  const facts = readFacts(request, settings, operator);
  const decision = decide(facts, { loaded, confirmedAtMs: NOW_MS }, NOW_MS);
  expect(decision.journal?.id ?? null).toBe(expected);
});
