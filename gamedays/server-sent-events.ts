/** The part of server-sent events that our journal uses: `data` fields, blank lines between events, comments. */

const EVENT_CHARS_MAX = 1024 * 1024;

/** The data of each event, to the end of the stream. */
export async function* serverSentEvents(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    if (text.length > EVENT_CHARS_MAX) throw new Error("an event of the stream is too long");
    for (const event of events) {
      const data = event
        .split("\n")
        .filter((line) => line.startsWith("data: "))
        .map((line) => line.slice("data: ".length));
      if (data.length > 0) yield data.join("\n");
    }
  }
}
