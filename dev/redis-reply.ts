/** What Redis answers to one command, whichever client library brought it. */

/** Text arrives as bytes, as it may be binary. */
export type Reply = Buffer | string | number | null | readonly Reply[];

/** Checks a library's value; hashes that it has made into objects become flat lists again, as on the wire. */
export function toReply(value: unknown): Reply {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value) || typeof value === "string" || typeof value === "number")
    return value;
  if (Array.isArray(value)) return value.map(toReply);
  if (typeof value === "object") {
    return Object.entries(value).flatMap(([field, content]) => [field, toReply(content)]);
  }
  throw new Error(`a reply of type ${typeof value} is not Redis's`);
}
