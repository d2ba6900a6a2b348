/** The rate limits of a policy, found by the request's path: laid out once, when a policy is taken over. */
import type { KnownEntry } from "../../policy/kinds.ts";
import { ACCURACIES, type LimitTerms, type SessionSource } from "../../policy/limits.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { RequestFacts } from "../facts.ts";
import { foldPath, mayMatchRoute, prefixOf } from "../routes.ts";
import { limitRule, SESSION_SOURCES_MAX, type LimitRule } from "./rule.ts";

/** A limit as decisions meet it; one that counts by route stands here once for each of its routes. */
export type LimitEntry = KnownEntry & {
  readonly kind: "rate-limit";
  readonly limit: LimitTerms;
  readonly rule: LimitRule;
  /** The same where there is no shard to ask: each isolate counts alone. */
  readonly ruleAlone: LimitRule;
};

export type LimitTable = {
  readonly all: readonly LimitEntry[];
  /** Of every client, on every route. */
  readonly everywhere: readonly LimitEntry[];
  readonly byPath: ReadonlyMap<string, readonly LimitEntry[]>;
  /** By the prefix, with the slash at its end. */
  readonly byPrefix: ReadonlyMap<string, readonly LimitEntry[]>;
  /** What the paths of all of them begin with: most requests are on other paths, and no further looked at. */
  readonly stem: string;
  /** How many slashes the longest prefix has: where looking for one ends. */
  readonly prefixSlashesMax: number;
  /** Those that name clients, by the entry's id; the client table says which ids are meant. */
  readonly byEntry: ReadonlyMap<string, readonly LimitEntry[]>;
  readonly sources: readonly SessionSource[];
};

/** `salt` is the instance's. A refusal says why none of them can be enforced. */
export function limitTable(
  entries: readonly KnownEntry[],
  salt: string,
): Result<LimitTable, string> {
  const sources = sourcesOf(entries);
  if (sources.length > SESSION_SOURCES_MAX) {
    return err(
      `limits count sessions by ${sources.length} cookies and headers, more than ${SESSION_SOURCES_MAX}`,
    );
  }
  const all = entries
    .flatMap((known) => laidOut(known, sources, salt))
    // What is decided from memory first: who is refused there costs no call.
    .toSorted((a, b) => costOf(a) - costOf(b));
  const forAll = all.filter(({ clients }) => clients === null);
  const prefixes = grouped(forAll, prefixOf);
  return ok({
    all,
    everywhere: forAll.filter(({ routes }) => routes === null),
    byPath: grouped(forAll, pathItself),
    byPrefix: prefixes,
    stem: stemOf(forAll.flatMap(({ routes }) => routes ?? [])),
    prefixSlashesMax: Math.max(0, ...[...prefixes.keys()].map(slashesIn)),
    byEntry: Map.groupBy(
      all.filter(({ clients }) => clients !== null),
      ({ entry }) => entry.id,
    ),
    sources,
  });
}

/** The limits that count requests for this path, of whichever client. Mostly one list as it lies there, and no allocation. */
export function limitsOn(
  table: LimitTable,
  { path, otherPaths }: Pick<RequestFacts, "path" | "otherPaths">,
): readonly LimitEntry[] {
  if (table.byPath.size === 0 && table.prefixSlashesMax === 0) return table.everywhere;
  const found = limitsOnPath(table, path);
  if (otherPaths.length === 0) return found;
  return [...new Set([path, ...otherPaths].flatMap((one) => limitsOnPath(table, one)))];
}

function limitsOnPath(table: LimitTable, path: string): readonly LimitEntry[] {
  const { everywhere, byPath, byPrefix, prefixSlashesMax, stem } = table;
  const folded = foldPath(path);
  if (!folded.startsWith(stem)) return everywhere;
  let found = joined(everywhere, byPath.get(folded));
  // The first page is nothing below another.
  if (folded === "/") return joined(found, byPath.get(""));
  let end = -1;
  for (let slashes = 0; slashes < prefixSlashesMax; slashes += 1) {
    end = folded.indexOf("/", end + 1);
    if (end === -1) break;
    found = joined(found, byPrefix.get(folded.slice(0, end + 1)));
  }
  return found;
}

/** The one path that a pattern is about, if any: what `/search/*` means is `/search` itself, too; what `/search/+` means is not. */
const pathItself = (pattern: string): string | null =>
  pattern.endsWith("/+") ? null : pattern.replace(/\/\*$/, "");

/** What is below a pattern without its star or plus, and without the slash before that; folded, as they are. */
function stemOf(patterns: readonly string[]): string {
  const [first = "", ...others] = patterns.map((pattern) => pattern.replace(/\/[*+]$/, ""));
  let length = first.length;
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1;
  return first.slice(0, length);
}

const joined = (
  one: readonly LimitEntry[],
  other: readonly LimitEntry[] | undefined,
): readonly LimitEntry[] => {
  if (other === undefined) return one;
  return one.length === 0 ? other : [...one, ...other];
};

const costOf = ({ rule }: LimitEntry): number => ACCURACIES.indexOf(rule.accuracy);

const slashesIn = (text: string): number => text.split("/").length - 1;

function laidOut(
  known: KnownEntry,
  sources: readonly SessionSource[],
  salt: string,
): readonly LimitEntry[] {
  const { entry } = known;
  if (known.limit === null) return [];
  const limit = inMode(entry.mode, known.limit);
  const one = (id: string, routes: KnownEntry["routes"]): LimitEntry => {
    const rule = limitRule(
      {
        // What is rehearsed never counts for what is enforced.
        id: `${id}\n${entry.mode}`,
        quota: limit.quota,
        // Nor does it ever keep a request waiting, so it is never exact.
        accuracy: isRehearsedStrict(known, limit) ? "shared" : limit.accuracy,
        fail: entry.fail,
        penalty: limit.penalty,
        parts: limit.by,
        sessionSource: Math.max(0, sources.findIndex(isSameAs(limit.session))),
      },
      salt,
    );
    const ruleAlone: LimitRule = { ...rule, accuracy: "isolate" };
    return { ...known, kind: "rate-limit", limit, routes, rule, ruleAlone };
  };
  if (limit.by.includes("route") && known.routes !== null) {
    return known.routes.map((pattern) => one(`${entry.id}\n${pattern}`, [pattern]));
  }
  return [one(entry.id, known.routes === null ? null : withoutCovered(known.routes))];
}

/** What is rehearsed is not announced: clients that heed the fields would keep a limit that nobody put in force. */
const inMode = (mode: KnownEntry["entry"]["mode"], terms: LimitTerms): LimitTerms =>
  mode === "shadow" ? { ...terms, announce: false } : terms;

const isRehearsedStrict = ({ entry }: KnownEntry, { accuracy }: LimitTerms): boolean =>
  entry.mode === "shadow" && accuracy === "strict";

/** Without what another of them covers: a path is then on one of them at most, and is counted once. */
const withoutCovered = (patterns: readonly string[]): readonly string[] =>
  [...new Set(patterns)].filter(
    (pattern, _, all) => !all.some((other) => other !== pattern && covers(other, pattern)),
  );

/** What is below it, and itself where it means that, too. */
const covers = (other: string, pattern: string): boolean =>
  [pattern, pathItself(pattern) ?? pattern].every((path) => mayMatchRoute(path, other));

function grouped(
  entries: readonly LimitEntry[],
  keyOf: (pattern: string) => string | null,
): ReadonlyMap<string, readonly LimitEntry[]> {
  const groups = new Map<string, LimitEntry[]>();
  for (const entry of entries) {
    for (const pattern of entry.routes ?? []) {
      const key = keyOf(pattern);
      if (key === null) continue;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [entry]);
      else group.push(entry);
    }
  }
  return groups;
}

function sourcesOf(entries: readonly KnownEntry[]): readonly SessionSource[] {
  const sources: SessionSource[] = [];
  for (const { limit } of entries) {
    const source = limit?.session ?? null;
    if (source !== null && !sources.some(isSameAs(source))) sources.push(source);
  }
  return sources;
}

const isSameAs =
  (wanted: SessionSource | null) =>
  (source: SessionSource): boolean =>
    JSON.stringify(source) === JSON.stringify(wanted);
