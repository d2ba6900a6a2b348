/** The requests of a bench as bytes: many visitors of a shop, with what browsers and Cloudflare send along. */
import { CF_HEADER } from "./workerd/config.ts";

/** Each has an address of its own, in none of `networksOfOthers`. */
const VISITORS = 2_000;

export type VisitorOptions = {
  /** Whether Cloudflare's view of the connection comes along. Only the guard looks at it, but parsing it costs whoever is there. */
  readonly hasCf: boolean;
};

export const visitorRequests = ({ hasCf }: VisitorOptions): readonly Buffer[] =>
  Array.from({ length: VISITORS }, (_, at) => Buffer.from(requestText(at, hasCf)));

/** One request of one address. */
export const requestFrom = (address: string, path = "/"): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nhost: shop.example\r\ncf-connecting-ip: ${address}\r\n\r\n`);

const requestText = (at: number, hasCf: boolean): string =>
  [
    `GET /shop/products/${at % 40}?page=${at % 7} HTTP/1.1`,
    "host: shop.example",
    `cf-connecting-ip: ${addressOf(at)}`,
    "accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "accept-language: en-GB,en;q=0.7",
    "accept-encoding: gzip, br",
    `user-agent: Mozilla/5.0 (X11; Linux x86_64; rv:${100 + (at % 40)}.0) Gecko/20100101 Firefox/${100 + (at % 40)}.0`,
    `cookie: session=${(at * 2_654_435_761).toString(36)}; theme=dark`,
    ...(hasCf ? [`${CF_HEADER}: ${JSON.stringify(cfOf(at))}`] : []),
    "",
    "",
  ].join("\r\n");

/** 198.18.0.0/15 is for benchmarks. */
const addressOf = (at: number): string =>
  `198.${18 + (at & 1)}.${(at >>> 1) & 255}.${(at >>> 9) & 255}`;

const cfOf = (at: number): unknown => ({
  asn: 64_500 + (at % 300),
  asOrganization: "Example Net",
  colo: "AMS",
  country: ["NL", "DE", "FR", "BR"][at % 4],
  city: "Amsterdam",
  continent: "EU",
  httpProtocol: "HTTP/2",
  tlsVersion: "TLSv1.3",
  tlsCipher: "AEAD-AES128-GCM-SHA256",
  clientTcpRtt: 12,
  timezone: "Europe/Amsterdam",
  botManagement: { score: 80, verifiedBot: false, ja4: `t13d1516h2_8daaf6152771_${at % 60}` },
});
