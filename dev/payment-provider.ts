/** A payment provider as the site meets it: it delivers events, signed as Stripe signs them. */

const encoder = new TextEncoder();
const TIMEOUT_MS = 10_000;

/** The headers of a Stripe delivery of `body`, signed at `atMs`. */
export async function signedByStripe(
  secret: string,
  body: string,
  atMs = Date.now(),
): Promise<Record<string, string>> {
  const seconds = Math.floor(atMs / 1_000);
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const raw = encoder.encode(secret);
  const key = await crypto.subtle.importKey("raw", raw, hmac, false, ["sign"]);
  const mac = await crypto.subtle.sign("HMAC", key, encoder.encode(`${seconds}.${body}`));
  const hex = Array.from(new Uint8Array(mac), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  return { "content-type": "application/json", "stripe-signature": `t=${seconds},v1=${hex}` };
}

/** One attempt to tell the site that a charge succeeded; the site's status. The same event may be delivered again. */
export async function deliverCharge(
  site: { readonly url: string; readonly secret: string },
  { event, charge }: { readonly event: string; readonly charge: string },
): Promise<number> {
  const type = "payment_intent.succeeded";
  const body = JSON.stringify({
    id: event,
    object: "event",
    type,
    data: { object: { id: charge } },
  });
  const response = await fetch(`${site.url}/webhooks/stripe`, {
    method: "POST",
    body,
    headers: await signedByStripe(site.secret, body),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  await response.arrayBuffer();
  return response.status;
}
