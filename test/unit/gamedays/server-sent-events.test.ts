import { it } from "vitest";
import { serverSentEvents } from "../../../gamedays/server-sent-events.ts";

async function read(...chunks: readonly string[]): Promise<readonly string[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      controller.close();
    },
  });
  const events: string[] = [];
  for await (const event of serverSentEvents(stream)) events.push(event);
  return events;
}

it("gives the data of each event and nothing else", async ({ expect }) => {
  expect(await read('retry: 1000\n\nid: 1\ndata: {"a":1}\n\n: still here\n\ndata: 2\n\n')).toEqual([
    '{"a":1}',
    "2",
  ]);
});

it("an event may come in pieces, and half a one at the end is none", async ({ expect }) => {
  expect(await read("id: 1\nda", "ta: on", "e\n", "\ndata: two\n")).toEqual(["one"]);
});
