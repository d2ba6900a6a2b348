/** The `Cookie` header, as far as the guard reads it. */

/** The first of that name; null when there is none. */
export const cookieNamed = (wanted: string, header: string | null): string | null =>
  cookiesNamed(wanted, header)[0] ?? null;

/** What all of that name say: of several, parsers of cookies take one or another. */
export const cookiesNamed = (wanted: string, header: string | null): readonly string[] =>
  header?.includes(wanted) === true
    ? cookiesIn(header).flatMap(({ name, value }) => (name === wanted ? [value] : []))
    : NONE;

const NONE: readonly string[] = [];

/** In the order sent. */
export const cookiesIn = (
  header: string,
): readonly { readonly name: string; readonly value: string }[] =>
  header.split(";").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return { name: name.trim(), value: value.join("=").trim() };
  });

/** A value as parsers of cookies give it to the app: without quotes around it, and with its escapes undone. */
export function readCookieValue(value: string): string {
  const isQuoted = value.length > 1 && value.startsWith('"') && value.endsWith('"');
  const bare = isQuoted ? value.slice(1, -1) : value;
  if (!bare.includes("%")) return bare;
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare; // As it was sent, then: that is what they do, too.
  }
}
