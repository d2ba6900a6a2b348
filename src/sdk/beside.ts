/** Where a replica stands that was added beside the primary. What a policy says leads the password nowhere but there. */

/**
 * The same connection to another host, when that is a sibling of the primary's: only the first label of the names differs, as with the
 * computes of one Neon project. Null for every other host.
 */
export function besidePrimary(primaryUrl: string, host: string): string | null {
  const url = URL.parse(primaryUrl);
  if (url === null || !isSibling(url.hostname, host)) return null;
  url.hostname = host;
  return url.href;
}

/** Of a zone of its own: three labels are the fewest that are not everybody's. */
const LABELS_SHARED_MIN = 2;

function isSibling(one: string, other: string): boolean {
  const [, ...zone] = one.split(".");
  const [first = "", ...otherZone] = other.split(".");
  return zone.length >= LABELS_SHARED_MIN && first !== "" && zone.join(".") === otherZone.join(".");
}
