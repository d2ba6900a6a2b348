/** Helps people who mistyped a name: the nearest known one, and the list of all. */

/** More edits than this and the names have nothing to do with each other. */
const EDITS_MAX = 3;
/** Longer words are compared by their start: names are short, and the cost is quadratic. */
const COMPARED_MAX = 64;
const LISTED_MAX = 40;

/** `did you mean "for"? known: clear, for, when`, or without the question when nothing is near. */
export function suggest(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  const question = near === null ? "" : `did you mean "${near}"? `;
  return `${question}known: ${listed(known)}`;
}

/** The known name that takes the fewest edits, or null when all are far. */
export function nearest(word: string, known: readonly string[]): string | null {
  const editsMax = Math.min(EDITS_MAX, Math.ceil(word.length / 3));
  let best: { readonly name: string; readonly edits: number } | null = null;
  for (const name of known) {
    const edits = editDistance(word, name);
    if (edits <= editsMax && (best === null || edits < best.edits)) best = { name, edits };
  }
  return best?.name ?? null;
}

function listed(known: readonly string[]): string {
  if (known.length === 0) return "none";
  const names = known.toSorted();
  if (names.length <= LISTED_MAX) return names.join(", ");
  return `${names.slice(0, LISTED_MAX).join(", ")} and ${names.length - LISTED_MAX} more`;
}

/** Edits between two words: a letter added, left out or replaced, or two neighbours swapped. */
function editDistance(left: string, right: string): number {
  const [a, b] = [left.slice(0, COMPARED_MAX), right.slice(0, COMPARED_MAX)];
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(
        Math.min(
          at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
          at(last, j) + 1,
          at(row, j - 1) + 1,
          isSwapped ? at(beforeLast, j - 2) + 1 : Infinity,
        ),
      );
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

const at = (row: readonly number[], column: number): number => row[column] ?? Infinity;
