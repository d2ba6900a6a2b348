/** The requests of `visitors.ts`, as far as the guard looks at them, where there is no runtime to make real ones. */
import type { RequestLike } from "../src/guard/facts.ts";
import { visitorRequests, type VisitorOptions } from "./visitors.ts";
import { CF_HEADER } from "./workerd/config.ts";

export const requestsLike = (options: VisitorOptions): readonly RequestLike[] =>
  visitorRequests(options).map((bytes) => {
    const [line = "", ...lines] = bytes.toString().trimEnd().split("\r\n");
    const [method = "", path = ""] = line.split(" ");
    const headers = new Map(lines.map(splitHeader));
    const cf = headers.get(CF_HEADER);
    return {
      method,
      url: inOnePiece(`https://shop.example${path}`),
      headers: { get: (name) => headers.get(name) ?? null, keys: () => headers.keys() },
      cf: cf === undefined ? undefined : JSON.parse(cf),
    };
  });

function splitHeader(text: string): [name: string, value: string] {
  const colon = text.indexOf(":");
  return [inOnePiece(text.slice(0, colon)), inOnePiece(text.slice(colon + 1).trim())];
}

/** As texts are that come from the network; a slice of a longer one is slower to read. */
const inOnePiece = (text: string): string => Buffer.from(text).toString("latin1");
