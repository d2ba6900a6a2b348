/**
 * What may be said about a thrown error outside: its kind, never its message. Messages of drivers and of `fetch` carry
 * connection strings, tokens in URLs and the values of commands.
 */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = codeOf(error) ?? codeOf(error.cause);
  return code === null ? error.name : `${error.name} (${code})`;
}

/** Codes such as `ECONNREFUSED` are words of the runtime, so they hold no secret. */
function codeOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null || !("code" in value)) return null;
  const { code } = value;
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{1,39}$/.test(code) ? code : null;
}
