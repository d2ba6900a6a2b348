/** Something wrong in a playbook or in the site's file, before it is known on which line. */

/** Keys and indexes from the top of the document. */
export type Path = readonly (string | number)[];

export type Problem = {
  readonly path: Path;
  readonly message: string;
  /** Characters into the text at `path`, where that is known. */
  readonly offset?: number;
  /** The key itself is what is wrong, not its value. */
  readonly isKey?: true;
};

/** Problems of items whose ids must differ: one for each that repeats an earlier one. */
export function duplicates(
  ids: readonly string[],
  what: string,
  pathOf: (index: number) => Path,
): readonly Problem[] {
  return ids.flatMap((id, index) =>
    ids.indexOf(id) === index
      ? []
      : [{ path: pathOf(index), message: `there is already a ${what} with the id "${id}"` }],
  );
}
