/** JSON from outside: what cannot be read is no exception, and its text is repeated to nobody, for it may be a secret. */

/** The value, or undefined, which JSON cannot say, when the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
