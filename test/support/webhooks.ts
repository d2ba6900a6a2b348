/** Deliveries as their senders sign them. */

const encoder = new TextEncoder();

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
