import fc from "fast-check";
import { Kind, parse } from "graphql";
import { describe, it } from "vitest";
import {
  operationsIn,
  TOKENS_MAX,
  type Operation,
} from "../../../../src/guard/graphql/document.ts";

/** What the reference implementation reads, null when it refuses the document or finds anything that is not executable. */
function reference(document: string): readonly Operation[] | null {
  try {
    const { definitions } = parse(document);
    const operations: Operation[] = [];
    for (const definition of definitions) {
      if (definition.kind === Kind.OPERATION_DEFINITION) {
        const { operation, name } = definition;
        operations.push({ type: operation, name: name?.value ?? null });
      } else if (definition.kind !== Kind.FRAGMENT_DEFINITION) return null;
    }
    return operations;
  } catch {
    return null;
  }
}

const query = (name: string | null = null): Operation => ({ type: "query", name });
const mutation = (name: string | null = null): Operation => ({ type: "mutation", name });

describe("like the reference implementation", () => {
  it.for([
    ["shorthand", "{ me { id } }", [query()]],
    ["a named query", "query Me { me }", [query("Me")]],
    ["a mutation", "mutation { pay }", [mutation()]],
    ["a subscription", "subscription S { paid }", [{ type: "subscription", name: "S" }]],
    ["several", "query A { a } mutation B { b }", [query("A"), mutation("B")]],
    ["a field called mutation", "{ mutation { query } }", [query()]],
    ["a query called mutation", "query mutation { a }", [query("mutation")]],
    ["a fragment called mutation", "fragment mutation on T { a } { ...mutation }", [query()]],
    ["mutation in a comment", "# mutation { b }\n{ a }", [query()]],
    ["a comment that ends at a return", "# {\rmutation { b }", [mutation()]],
    ["mutation in a string", '{ a(s: "} mutation { b }") }', [query()]],
    ["an escaped quote", '{ a(s: "\\"} mutation { b }") }', [query()]],
    ["mutation in a block string", '{ a(s: """ "} mutation { b } """) }', [query()]],
    ["an escaped block quote", '{ a(s: """\\"""} mutation { b }""") }', [query()]],
    ["empty strings", '{ a(s: "", t: """""") } mutation { b }', [query(), mutation()]],
    ["braces in variables", "query Q($i: I = {a: [{}]}) { a }", [query("Q")]],
    ["directives and no name", "mutation @live(if: true) { b }", [mutation()]],
    ["no blanks", "{a}mutation{b}", [query(), mutation()]],
    ["commas and a byte order mark", "\uFEFF,,mutation,,{,b,}", [mutation()]],
  ] as const)("%s", ([, document, expected], { expect }) => {
    expect(operationsIn(document)).toEqual(expected);
    expect(reference(document)).toEqual(expected);
  });

  it.for([
    ["a type", "type T { a: Int }"],
    ["an unclosed brace", "{ a "],
    ["a stray brace", "{ a } }"],
    ["an unclosed string", '{ a(s: "}) }'],
    ["an unclosed block string", '{ a(s: """}) }'],
    ["crossed brackets", "{ a(b: [1) ] }"],
    ["a keyword that is none", "mutatio { b }"],
    ["a keyword in other letters", "Mutation { b }"],
    ["a letter of another alphabet", "mutatiоn { b }"],
    ["a blank that is none", "mutation\u00A0{ b }"],
  ] as const)("nothing in %s", ([, document], { expect }) => {
    expect(operationsIn(document)).toBeNull();
    expect(reference(document)).toBeNull();
  });
});

const name = fc.constantFrom("a", "_b1", "mutation", "query", "fragment", "on", "Mutation");
const string = fc
  .array(fc.constantFrom("x", "{", "}", "(", "#", " mutation { b } ", "\\n", "\\u0041"))
  .map((parts) => `"${parts.join("")}"`);
const block = fc
  .array(fc.constantFrom("x", "{", "}", "\n", '"', ' "" ', '\\"""', "\\", "mutation{b}"))
  .map((parts) => `"""${parts.join("")} """`);
const ignored = fc.constantFrom(" ", "\n", ",", "\t", "#}mutation{\n", "#\r", "\uFEFF");
const joined = (parts: readonly fc.Arbitrary<string>[]) =>
  fc.tuple(...parts.flatMap((part) => [part, ignored])).map((texts) => texts.join(""));
const text = (literal: string) => fc.constant(literal);

const { value, field } = fc.letrec<{ value: string; field: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom("1", "-1.5e3", "true", "null", "ENUM", "mutation"),
    string,
    block,
    fc.array(tie("value"), { maxLength: 2 }).map((values) => `[${values.join(" ")}]`),
    joined([text("{"), name, text(":"), tie("value"), text("}")]),
  ),
  field: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    name,
    joined([name, text(":"), name]),
    joined([name, text("("), name, text(":"), tie("value"), text(")")]),
    joined([text("..."), name.filter((it) => it !== "on")]),
    joined([text("... on"), name, text("{"), tie("field"), text("}")]),
    joined([name, text("@"), name, text("{"), tie("field"), tie("field"), text("}")]),
  ),
}));
const type = fc.constantFrom("query", "mutation", "subscription");
const definition = fc.oneof(
  joined([text("{"), field, text("}")]),
  joined([type, text("{"), field, text("}")]),
  joined([type, name, text("{"), field, field, text("}")]),
  joined([type, name, text("($v: [T!]! ="), value, text(") @d {"), field, text("}")]),
  joined([text("fragment"), name.filter((it) => it !== "on"), text("on T {"), field, text("}")]),
);

it("reads what the reference implementation reads, in every document that can be written", ({
  expect,
}) => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(definition, { minLength: 1, maxLength: 4 }), (definitions) => {
      const document = definitions.join("");
      const expected = reference(document);
      // A default value may not be a variable; nearly everything else that is built here is a document.
      if (expected === null) return;
      accepted += 1;
      expect(operationsIn(document)).toEqual(expected);
    }),
    { numRuns: 2_000 },
  );
  expect(accepted).toBeGreaterThan(1_500);
});

const soup = fc.array(
  fc.oneof(
    fc.constantFrom("query", "mutation", "fragment", "on", "{", "}", "(", ")", "[", "]", '"""'),
    fc.constantFrom('"', "\\", "\n", " ", "#", ":", "$", "...", "@", "a", "0", "\u2028", "é"),
    fc.string({ maxLength: 3 }),
  ),
  { maxLength: 30 },
);

it("never throws, and never differs on what the reference implementation accepts", ({ expect }) => {
  fc.assert(
    fc.property(soup, (parts) => {
      const document = parts.join("");
      const found = operationsIn(document);
      const expected = reference(document);
      expect(expected === null ? null : found).toEqual(expected);
    }),
    { numRuns: 5_000 },
  );
});

it("takes time in proportion to the text, however it is written", ({ expect }) => {
  const SIZE = 200_000;
  const evil = ['"""', '"', "{", "(", '\\"""', "#", "a", ",", '"""\\', "- ", '""'];
  const startedAtMs = performance.now();
  for (const piece of evil) operationsIn(piece.repeat(SIZE / piece.length));
  expect(performance.now() - startedAtMs).toBeLessThan(2_000);
});

it("reads no document of more words than people write", ({ expect }) => {
  const of = (words: number) => `{${" a".repeat(words - 2)} }`;
  expect(operationsIn(of(TOKENS_MAX))).toEqual([query()]);
  expect(operationsIn(of(TOKENS_MAX + 1))).toBeNull();
});
