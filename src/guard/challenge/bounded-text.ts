/** A body as text, up to a size. */

/** Null when it is larger than `bytesMax`; then the rest is not read. Rejects when it breaks off. */
export async function readText(
  { body }: { readonly body: ReadableStream<Uint8Array> | null },
  bytesMax: number,
): Promise<string | null> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let left = bytesMax;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    left -= value.byteLength;
    if (left < 0) break;
    text += decoder.decode(value, { stream: true });
  }
  await reader.cancel();
  return null;
}
