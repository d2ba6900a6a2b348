/**
 * What a policy says of the tables that are too large to travel in it. They are named by their content, so a table that did not
 * change is not sent again, and whoever holds one can check it.
 */
import * as z from "zod/mini";
import { BLOB_BYTES_MAX, NETWORKS_MAX } from "../guard/ip/blob.ts";
import type { Policy } from "./policy.ts";

/** The table of networks; its bytes are those of guard/ip/blob.ts. */
export const networksBlob = z.object({
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  bytes: z.int().check(z.minimum(1), z.maximum(BLOB_BYTES_MAX)),
  /** How many networks are in it, for people. */
  count: z.int().check(z.minimum(0), z.maximum(NETWORKS_MAX)),
});
export type NetworksBlob = z.infer<typeof networksBlob>;

/** Null when the policy names none that this version understands; what stands in it is then missing. */
export function networksBlobOf({ blobs }: Pick<Policy, "blobs">): NetworksBlob | null {
  const parsed = networksBlob.safeParse(blobs["networks"]);
  return parsed.success ? parsed.data : null;
}
