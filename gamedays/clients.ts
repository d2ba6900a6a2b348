/** Who sends a request, as Cloudflare would tell it: locally nothing stands before the guard that sees a connection. */
export type Client = {
  readonly address: string;
  readonly asn: number;
  readonly country: string;
  /** The fingerprint of its TLS. */
  readonly ja4: string;
  readonly userAgent: string;
};

/** What its requests carry: the address as Cloudflare writes it, and `request.cf` as Miniflare takes it from a header. */
export const headersOf = ({ address, userAgent, ...place }: Client): Record<string, string> => ({
  "CF-Connecting-IP": address,
  "User-Agent": userAgent,
  "MF-CF-Blob": JSON.stringify({
    asn: place.asn,
    country: place.country,
    botManagement: { ja4: place.ja4, verifiedBot: false },
  }),
});
