/**
 * Reads a list of networks from a request as it arrives: decompressed, decoded and parsed chunk by chunk, so that neither a large
 * list nor a small one that swells fills the memory.
 */
import { LISTED_NETWORKS_MAX } from "../policy/network-table.ts";
import { NetworkListReader, type NetworkList } from "../policy/network-list.ts";
import { Problem } from "./problems.ts";

/** As it is sent, compressed or not. */
export const LIST_BODY_BYTES_MAX = 32 * 1024 * 1024;
export const LIST_TYPES = ["text/plain", "application/x-ndjson", "application/json"] as const;

/** What is wrong with single lines is in the list's diagnostics; what is wrong with all of it is a problem. */
export async function readListBody(request: Request): Promise<NetworkList> {
  const reader = new NetworkListReader(LISTED_NETWORKS_MAX);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let goesOn = true;
  try {
    // Leaving the loop early cancels the stream: nothing more is read or decompressed.
    for await (const chunk of bytesOf(request)) {
      goesOn = reader.push(decoder.decode(chunk, { stream: true }));
      if (!goesOn) break;
    }
    if (goesOn) reader.push(decoder.decode());
  } catch (fault) {
    throw problemOf(fault);
  }
  const list = reader.end();
  if (list.stoppedBy !== null) {
    throw new Problem("payload-too-large", `The list was not read: ${list.stoppedBy}.`, {
      limitBytes: LIST_BODY_BYTES_MAX,
    });
  }
  return list;
}

function bytesOf(request: Request): ReadableStream<Uint8Array> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (!LIST_TYPES.some((known) => known === type)) {
    throw new Problem("unsupported-media-type", `Send a list as ${LIST_TYPES.join(", ")}.`);
  }
  const coding = request.headers.get("content-encoding")?.trim().toLowerCase() ?? "identity";
  if (coding !== "identity" && coding !== "gzip") {
    throw new Problem(
      "unsupported-media-type",
      "Send a list as it is, or with Content-Encoding: gzip.",
    );
  }
  if (request.body === null) throw new Problem("malformed-body", "The body is empty.");
  const body: ReadableStream<Uint8Array> = request.body;
  return coding === "gzip" ? body.pipeThrough(new DecompressionStream("gzip")) : body;
}

function problemOf(fault: unknown): Problem {
  if (fault instanceof Problem) return fault;
  if (fault instanceof Error && fault.name === "BodyLimitError") {
    return new Problem(
      "payload-too-large",
      `This route takes at most ${LIST_BODY_BYTES_MAX} bytes.`,
      {
        limitBytes: LIST_BODY_BYTES_MAX,
      },
    );
  }
  return new Problem("malformed-body", "The body is not UTF-8 text, or not the gzip that it says.");
}
