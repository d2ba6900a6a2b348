/** The one place where a fault is swallowed on purpose: what is tried here is worth less than the answer. */
export function orElse<T>(attempt: () => T, otherwise: T): T {
  try {
    return attempt();
  } catch {
    return otherwise;
  }
}
