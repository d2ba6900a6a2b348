import fc from "fast-check";
import { it } from "vitest";
import { BATCH_MAX, isReadingBody } from "../../../../src/guard/graphql/reads-only.ts";

const READ = { query: "query Read { a }" };
const WRITE = { query: "mutation Write { b }" };
const BOTH = `${READ.query} ${WRITE.query}`;

it.for([
  ["a query", READ, true],
  ["a mutation", WRITE, false],
  ["a subscription", { query: "subscription { a }" }, true],
  ["variables and extensions", { ...READ, variables: { a: 1 }, extensions: {} }, true],
  ["a persisted query with its text", { ...READ, extensions: { persistedQuery: {} } }, true],
  ["a persisted query without", { extensions: { persistedQuery: { version: 1 } } }, false],
  ["a stored document's id", { id: "a1" }, false],
  ["a text, and an id that may win", { ...READ, id: "a1" }, false],
  ["the query, chosen by name", { query: BOTH, operationName: "Read" }, true],
  ["the mutation, chosen by name", { query: BOTH, operationName: "Write" }, false],
  ["neither chosen", { query: BOTH }, false],
  ["neither chosen, by null", { query: BOTH, operationName: null }, false],
  ["neither chosen, by nothing", { query: BOTH, operationName: "" }, false],
  ["one chosen that is not there", { query: BOTH, operationName: "Other" }, false],
  ["two of one name", { query: "query A { a } mutation A { b }", operationName: "A" }, false],
  ["only fragments", { query: "fragment F on T { a }" }, false],
  ["no text", { query: "" }, false],
  ["a text that is none", { query: { a: 1 } }, false],
  ["not GraphQL", { query: "select 1" }, false],
  ["a batch of queries", [READ, READ], true],
  ["a batch with one mutation", [READ, WRITE, READ], false],
  ["a batch within a batch", [[READ]], false],
  ["an empty batch", [], false],
  ["the largest batch", Array.from({ length: BATCH_MAX }, () => READ), true],
  ["a batch that is too large", Array.from({ length: BATCH_MAX + 1 }, () => READ), false],
  ["null", null, false],
  ["a number", 7, false],
] as const)("%s: only reads %o → %s", ([, body, isReading], { expect }) => {
  expect(isReadingBody(JSON.stringify(body))).toBe(isReading);
});

it("takes what is not JSON for a write", ({ expect }) => {
  for (const text of ["", "{", "query { a }", '{"query":"{ a }"']) {
    expect(isReadingBody(text)).toBe(false);
  }
});

it("never throws, whatever was sent", ({ expect }) => {
  const body = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ query: fc.string() }).map((it) => JSON.stringify(it)),
  );
  fc.assert(
    fc.property(body, (text) => {
      expect(typeof isReadingBody(text)).toBe("boolean");
    }),
  );
});
