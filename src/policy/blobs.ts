/**
 * What a policy says of the tables that are too large to travel in it. They are named by their content, so a table that did not
 * change is not sent again, and whoever holds one can check it.
 */
import { BLOB_BYTES_MAX, NETWORKS_MAX } from "../guard/ip/blob.ts";
import { object, textThat, whole, type Read } from "../shared/shape.ts";
import type { Policy } from "./policy.ts";

/** The table of networks; its bytes are those of guard/ip/blob.ts. */
export const networksBlob = object({
  sha256: textThat(/^[0-9a-f]{64}$/, "a sha256"),
  bytes: whole(1, BLOB_BYTES_MAX),
  /** How many networks are in it, for people. */
  count: whole(0, NETWORKS_MAX),
});
export type NetworksBlob = Read<typeof networksBlob>;

/** Null when the policy names none that this version understands; what stands in it is then missing. */
export function networksBlobOf({ blobs }: Pick<Policy, "blobs">): NetworksBlob | null {
  const read = networksBlob(blobs["networks"]);
  return read.ok ? read.value : null;
}
