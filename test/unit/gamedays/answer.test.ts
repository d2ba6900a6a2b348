import { it } from "vitest";
import { outcomeOf, type Errand, type Outcome } from "../../../gamedays/answer.ts";

const PAGE = "<!doctype html><title>Back shortly · Shop</title>";
const PROBLEM = JSON.stringify({ type: "/_firebreak/problems/maintenance", status: 503 });
const GUARDS_PAGE = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
  "cache-control": "no-store",
  "retry-after": "60",
};
const GUARDS_PROBLEM = {
  "content-type": "application/problem+json",
  "cache-control": "no-store",
  "retry-after": "60",
};
const without = (headers: Record<string, string>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name));

type Row = {
  readonly name: string;
  readonly errand: Errand;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly outcome: Outcome;
};

const ROWS: readonly Row[] = [
  { name: "a page", errand: "browse", status: 200, outcome: "served" },
  { name: "a purchase", errand: "buy", status: 201, outcome: "served" },
  { name: "a purchase that was not made", errand: "buy", status: 200, outcome: "failed" },
  { name: "production's error", errand: "read", status: 500, outcome: "failed" },
  { name: "production's own 503", errand: "read", status: 503, outcome: "failed" },
  { name: "an unexpected refusal of production", errand: "buy", status: 401, outcome: "failed" },
  {
    name: "the maintenance page for a browser",
    errand: "browse",
    status: 503,
    headers: GUARDS_PAGE,
    body: PAGE,
    outcome: "refused",
  },
  {
    name: "the problem for a program",
    errand: "read",
    status: 503,
    headers: GUARDS_PROBLEM,
    body: PROBLEM,
    outcome: "refused",
  },
  {
    name: "a page for a program",
    errand: "read",
    status: 503,
    headers: GUARDS_PAGE,
    body: PAGE,
    outcome: "broken",
  },
  {
    name: "a problem for a browser",
    errand: "browse",
    status: 503,
    headers: GUARDS_PROBLEM,
    body: PROBLEM,
    outcome: "broken",
  },
  {
    name: "no word of when to come back",
    errand: "read",
    status: 503,
    headers: without(GUARDS_PROBLEM, "retry-after"),
    body: PROBLEM,
    outcome: "broken",
  },
  {
    name: "an answer that caches may keep",
    errand: "browse",
    status: 503,
    headers: without(GUARDS_PAGE, "cache-control"),
    body: PAGE,
    outcome: "broken",
  },
  {
    name: "a fault of the guard's own",
    errand: "read",
    status: 503,
    headers: GUARDS_PROBLEM,
    body: JSON.stringify({ type: "/_firebreak/problems/guard-fault" }),
    outcome: "broken",
  },
];

it.for(ROWS)(
  "$name: $outcome",
  ({ errand, status, headers = {}, body = "", outcome }, { expect }) => {
    const received = { status, body, header: (name: string) => headers[name] ?? null };
    expect(outcomeOf(errand, received)).toBe(outcome);
  },
);
