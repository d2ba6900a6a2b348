/** Which operations a GraphQL document holds (GraphQL specification, October 2021, §2). Nothing is validated beyond that. */

export type Operation = {
  readonly type: "query" | "mutation" | "subscription";
  readonly name: string | null;
};

/** People write hundreds. Beyond these, what somebody sent only to be read is not read. */
export const TOKENS_MAX = 20_000;

/** Every operation of the document, in order; null when it is not one that could be executed, or too long. Never throws. */
export function operationsIn(document: string): readonly Operation[] | null {
  const tokens = tokensOf(document);
  if (tokens === null) return null;
  const operations: Operation[] = [];
  let at = 0;
  while (at < tokens.length) {
    const keyword = tokens[at];
    if (keyword !== "{" && !isExecutable(keyword)) return null;
    const end = endOfDefinition(tokens, at);
    if (end === null) return null;
    if (keyword === "{") operations.push({ type: "query", name: null });
    else if (keyword !== "fragment") {
      const next = tokens[at + 1] ?? "";
      operations.push({ type: keyword, name: NAME.test(next) ? next : null });
    }
    at = end;
  }
  return operations;
}

const NAME = /^[_A-Za-z]/;
/**
 * What the grammar ignores, then what stands for one token: strings (whose brackets are text), names and numbers, punctuators.
 * Each alternative begins with a character of its own and none backtracks into another, so that time is linear.
 */
const TOKEN =
  /[\t\n\r ,\uFEFF]+|#[^\n\r]*|(?<string>"""(?:\\"""|(?!\\?""")[^])*"""|"(?!"")(?:\\.|[^"\\\n\r])*")|(?<word>[-+.\w]+|[!$&()@:=[\]{|}])/y;

/** The tokens, strings as `"`; null where the text is none of GraphQL's. */
function tokensOf(document: string): readonly string[] | null {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < document.length) {
    const match = TOKEN.exec(document);
    if (match === null || tokens.length === TOKENS_MAX) return null;
    if (match.groups?.["string"] !== undefined) tokens.push('"');
    else if (match.groups?.["word"] !== undefined) tokens.push(match.groups["word"]);
  }
  return tokens;
}

const isExecutable = (token: string | undefined): token is Operation["type"] | "fragment" =>
  token === "query" || token === "mutation" || token === "subscription" || token === "fragment";

const CLOSES: Readonly<Record<string, string>> = { "{": "}", "(": ")", "[": "]" };

/** The index after the selection set that ends the definition which begins at `start`: the first braces outside any bracket. */
function endOfDefinition(tokens: readonly string[], start: number): number | null {
  const awaited: string[] = [];
  for (let at = start; at < tokens.length; at += 1) {
    const token = tokens[at] ?? "";
    const closer = CLOSES[token];
    if (closer !== undefined) awaited.push(closer);
    else if (token === "}" || token === ")" || token === "]") {
      if (awaited.pop() !== token) return null;
      if (token === "}" && awaited.length === 0) return at + 1;
    }
  }
  return null;
}
