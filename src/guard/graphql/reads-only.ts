/**
 * Whether a GraphQL request can change nothing, judged by its text alone. Whatever is not certain counts as a write: a persisted
 * query without its text, a body of another kind, too large, too late, or with words that are not understood here.
 */
import {
  anything,
  either,
  list,
  nullable,
  only,
  optional,
  text as textShape,
  type Read,
} from "../../shared/shape.ts";
import { within } from "../deadline.ts";
import { holdingBody } from "../held-bodies.ts";
import { operationsIn } from "./document.ts";

export const BODY_BYTES_MAX = 256 * 1024;
export const BATCH_MAX = 50;
export const READ_DEADLINE_MS = 5_000;

/** Reads a copy of the body; the request itself stays unread, for production. Rejects when the body breaks while it is read. */
export async function readsOnly(request: Request): Promise<boolean> {
  // Inside an app somebody may have read it before us, and then nobody here can say what it was.
  if (request.bodyUsed) return false;
  if (!isPlainJson(request.headers) || speaksInUrl(request.url)) return false;
  const held = { deadlineMs: READ_DEADLINE_MS, unread: null };
  const text = await holdingBody(request, held, () => bodyOf(request));
  return text !== null && isReadingBody(text);
}

/**
 * The same of a GET, whose URL says what it asks for. The specification has queries only there, and not every server heeds it. A URL
 * without text is a page, or the name of a query that was sent before.
 */
export function readsOnlyInUrl(url: string): boolean {
  if (!url.includes("?")) return true;
  const searchParams = URL.parse(url)?.searchParams;
  if (searchParams === undefined) return false;
  const [query = "", ...others] = searchParams.getAll("query");
  const [operationName, ...otherNames] = searchParams.getAll("operationName");
  // Of several, servers take one or another.
  if (others.length > 0 || otherNames.length > 0) return false;
  return query === "" || isReading({ query, operationName });
}

// Strict: a word that only some servers understand, such as an id that wins over the text, must not pass as reading.
const asked = only({
  query: textShape(),
  operationName: optional(nullable(textShape())),
  variables: anything,
  extensions: anything,
});
const askedOrBatch = either(asked, list(asked, BATCH_MAX, 1));

/** Whether everything this JSON body asks for is reading. */
export function isReadingBody(text: string): boolean {
  const read = askedOrBatch(parseJson(text));
  return read.ok && [read.value].flat().every(isReading);
}

/** As servers choose the operation: by name if one is given; else there may be one only, so all of them must be reading. */
function isReading({
  query,
  operationName,
}: Pick<Read<typeof asked>, "query" | "operationName">): boolean {
  const operations = operationsIn(query) ?? [];
  const isNamed = operationName !== undefined && operationName !== null && operationName !== "";
  const chosen = isNamed ? operations.filter(({ name }) => name === operationName) : operations;
  return chosen.length > 0 && chosen.every(({ type }) => type !== "mutation");
}

const JSON_TYPE = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i;

const isPlainJson = (headers: Headers): boolean =>
  JSON_TYPE.test(headers.get("content-type") ?? "") && !headers.has("content-encoding");

/** Some servers let these win over the body. */
const URL_WORDS = ["query", "operationName", "extensions"] as const;

function speaksInUrl(url: string): boolean {
  const searchParams = URL.parse(url)?.searchParams;
  return URL_WORDS.some((word) => searchParams?.has(word) ?? true);
}

/** The whole body as text, null when it is larger than we read, or late. */
async function bodyOf(request: Request): Promise<string | null> {
  if (Number(request.headers.get("content-length") ?? 0) > BODY_BYTES_MAX) return null;
  const reader = request.clone().body?.getReader();
  if (reader === undefined) return "";
  const text = await within(startOf(reader), READ_DEADLINE_MS, null);
  // Not awaited: it settles only when production has read, or dropped, the other copy.
  if (text === null) reader.cancel().catch(() => undefined);
  return text;
}

async function startOf(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | null> {
  const decoder = new TextDecoder();
  let text = "";
  let left = BODY_BYTES_MAX;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    left -= value.byteLength;
    if (left < 0) return null;
    text += decoder.decode(value, { stream: true });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The shape refuses undefined.
  }
}
