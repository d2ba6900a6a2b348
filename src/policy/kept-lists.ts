/**
 * Edits the rows of lists, and compiles their table with every edit: both inside the caller's transaction, so that a list without
 * its table, or half a list, is never stored.
 */
import { BLOB_FORMAT } from "../guard/ip/blob.ts";
import { sha256Hex } from "../shared/ids.ts";
import { err, ok, type Result } from "../shared/result.ts";
import { ENTRY_LIFE_MS_MAX } from "./compile.ts";
import { entryIdOf } from "./list-ids.ts";
import type { ListRows, StoredTable } from "./list-rows.ts";
import { entryOf, LISTS_MAX, type ListHead, type ListTerms } from "./lists.ts";
import { NetworkListReader, type ListedNetwork, type NetworkList } from "./network-list.ts";
import { compileTable, TIDY_MS_MIN, type TableSource } from "./network-table.ts";
import type { PolicyEntry } from "./policy.ts";

export class KeptLists {
  readonly #rows: ListRows;

  constructor(rows: ListRows) {
    this.#rows = rows;
  }

  get table(): StoredTable {
    return this.#rows.table();
  }

  /** What guards are told of the lists. */
  entries(): PolicyEntry[] {
    const tabled = new Set(this.#rows.table().entryIds);
    return this.#rows.lists().flatMap((head) => entryOf(head, tabled) ?? []);
  }

  /** When something of it is due: a list ends, or a table is worth clearing. */
  nextChangeMs(): number {
    const ends = this.#rows.lists().map(({ expiresAtMs }) => expiresAtMs);
    return Math.min(...ends, this.#rows.table().tidyAtMs ?? Infinity);
  }

  /** Makes or replaces a list. A refusal says what is wrong, and then the transaction must not be kept. */
  put(terms: ListTerms, parts: readonly string[], nowMs: number): Result<ListHead, string> {
    const others = this.#rows.lists().filter(({ id }) => id !== terms.id);
    const problem = problemWith(terms, others.length, nowMs);
    if (problem !== null) return err(problem);
    const list = readParts(parts);
    const [wrong] = list.diagnostics;
    if (wrong !== undefined) return err(`line ${wrong.line} ${wrong.message}`);
    if (list.stoppedBy !== null) return err(list.stoppedBy);
    if (list.networks.length + list.keys.length === 0) {
      return err("the list is empty; take it away instead");
    }
    const head = headOf(terms, list, { parts, nowMs });
    this.#rows.save(head, parts);
    const compiled = this.compile(nowMs, { id: terms.id, networks: list.networks });
    return compiled.ok ? ok(head) : compiled;
  }

  remove(id: string, nowMs: number): Result<null, string> {
    this.#rows.remove(id);
    return this.compile(nowMs);
  }

  /** Clears what has ended, if anything has that is worth it. A table that can no longer be compiled stays as it is. */
  tidy(nowMs: number): void {
    const hasExpired = this.#rows.removeExpired(nowMs);
    const { tidyAtMs, format } = this.#rows.table();
    const isDue = tidyAtMs !== null && tidyAtMs <= nowMs;
    if (!hasExpired && !isDue && format === BLOB_FORMAT) return;
    const compiled = this.compile(nowMs);
    if (!compiled.ok) this.#rows.postponeTidying(nowMs + TIDY_MS_MIN);
  }

  /** `known` has just been read, and need not be read again. */
  compile(nowMs: number, known: Known | null = null): Result<null, string> {
    const networksOf = ({ id, networks }: ListHead): readonly ListedNetwork[] => {
      if (id === known?.id) return known.networks;
      return networks === 0 ? [] : readParts(this.#rows.parts(id)).networks;
    };
    const sources = this.#rows.lists().map((head): TableSource => ({
      entryId: entryIdOf(head.id),
      action: head.action,
      networks: networksOf(head),
    }));
    const table = compileTable(sources, nowMs);
    if (!table.ok) return table;
    this.#rows.saveTable(table.value);
    return ok(null);
  }
}

type Known = { readonly id: string; readonly networks: readonly ListedNetwork[] };

function problemWith(terms: ListTerms, others: number, nowMs: number): string | null {
  if (others >= LISTS_MAX) return `there are ${LISTS_MAX} lists already; take one away first`;
  if (terms.expiresAtMs <= nowMs) return "the list has already expired";
  if (terms.expiresAtMs > nowMs + ENTRY_LIFE_MS_MAX) {
    return "the list would last longer than 31 days; put it again before it ends";
  }
  return null;
}

function readParts(parts: Iterable<string>): NetworkList {
  const reader = new NetworkListReader();
  for (const part of parts) if (!reader.push(part)) break;
  return reader.end();
}

function headOf(
  terms: ListTerms,
  { networks, keys }: NetworkList,
  { parts, nowMs }: { readonly parts: readonly string[]; readonly nowMs: number },
): ListHead {
  const { id, action, mode, owner, reason, expiresAtMs } = terms;
  return {
    ...terms,
    networks: networks.length,
    asns: unique(keys.flatMap((one) => (one.kind === "asn" ? one.key : []))),
    countries: unique(keys.flatMap((one) => (one.kind === "country" ? one.key : []))),
    ja4s: unique(keys.flatMap((one) => (one.kind === "ja4" ? one.key : []))),
    sha256: sha256Hex(JSON.stringify([id, action, mode, owner, reason, expiresAtMs, ...parts])),
    updatedAtMs: nowMs,
  };
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)];
