/** Checks what must hold; a failure is a programmer error, so it throws with the invariant's name. */
export function assert(condition: unknown, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`);
}

/** Marks the branch of a `switch` that the type system has ruled out. */
export function unreachable(value: never): never {
  throw new Error(`invariant broken: unreachable value ${JSON.stringify(value)}`);
}
