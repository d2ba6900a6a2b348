/** The `Cookie` header, as far as the guard reads it. */

/** The first of that name; null when there is none. */
export const cookieNamed = (wanted: string, header: string | null): string | null =>
  header?.includes(wanted) === true
    ? (cookiesIn(header).find(({ name }) => name === wanted)?.value ?? null)
    : null;

/** In the order sent. */
export const cookiesIn = (
  header: string,
): readonly { readonly name: string; readonly value: string }[] =>
  header.split(";").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return { name: name.trim(), value: value.join("=").trim() };
  });
