/** What Redis answers to one command, whichever store it comes from. */

/** Text from a real server arrives as bytes, as it may be binary. */
export type Reply = Buffer | string | number | null | readonly Reply[];

/** Nothing answered: the server is stopped, starting or lost. Everything else that is thrown is Redis's own reply. */
export class RedisUnreachable extends Error {
  constructor() {
    super("the Redis server cannot be reached");
  }
}

/** Checks a library's value; a hash that it has made into an object becomes a flat list again, as on the wire. */
export function toReply(value: unknown): Reply {
  if (value === null) return null;
  if (Buffer.isBuffer(value) || typeof value === "string" || typeof value === "number") {
    return value;
  }
  if (Array.isArray(value)) return value.map(toReply);
  if (typeof value === "object") {
    return Object.entries(value).flatMap(([field, content]) => [field, toReply(content)]);
  }
  throw new Error(`a reply of type ${typeof value} is not Redis's`);
}
