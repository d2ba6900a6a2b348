/** Bodies that others send us, up to a size. */

export class BodyTooLargeError extends Error {
  override readonly name = "BodyTooLargeError";
}

/** The same response, whose body fails with `BodyTooLargeError` once it exceeds `bytesMax`. */
export function boundBody(response: Response, bytesMax: number): Response {
  if (response.body === null) return response;
  let bytes = 0;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > bytesMax) controller.error(new BodyTooLargeError(`over ${bytesMax} bytes`));
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(limit), {
    status: response.status,
    statusText: response.statusText,
    headers: response.headers,
  });
}

/** The body's first `bytesMax` bytes as text; the rest is not downloaded. */
export async function readStart(
  { body }: Pick<Response | Request, "body">,
  bytesMax: number,
): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let left = bytesMax;
  while (left > 0) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value.subarray(0, left), { stream: true });
    left -= value.byteLength;
  }
  await reader.cancel();
  return text;
}
