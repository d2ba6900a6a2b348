import { it } from "vitest";
import { STREAMS_MAX } from "../../../src/http/journal-stream.ts";
import { client, declared, deps } from "./api.ts";

const ask = client();

type Row = { readonly id: number; readonly type: string };

/** The rows in a stream's text. */
const rowsIn = (text: string): readonly Row[] =>
  text
    .split("\n\n")
    .filter((event) => event.startsWith("id: "))
    .map((event) => {
      const [id = "", data = ""] = event.split("\n");
      const row = JSON.parse(data.slice("data: ".length)) as { type: string };
      return { id: Number(id.slice("id: ".length)), type: row.type };
    });

/** Reads until the text holds what is looked for, then hangs up. */
async function readUntil(response: Response, wanted: string): Promise<string> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (reader !== undefined && !text.includes(wanted)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader?.cancel();
  return text;
}

it("sends every row with its seq as id, and the new ones as they come", async ({ expect }) => {
  const id = await declared();
  const stream = await ask(`/api/v1/incidents/${id}/events`, { as: "viewer" });
  expect(stream.headers.get("content-type")).toBe("text/event-stream");
  const reading = readUntil(stream, "incident.noted");
  await ask(`/api/v1/incidents/${id}/note`, { body: { text: "seen live" } });

  const rows = rowsIn(await reading);
  expect(rows.map((row) => row.id)).toEqual(rows.map((_, n) => n + 1));
  expect(rows.at(0)?.type).toBe("incident.opened");
  expect(rows.at(-1)?.type).toBe("incident.noted");
});

it("resumes after Last-Event-ID, and ends when all of a resolved incident was sent", async ({
  expect,
}) => {
  const id = await declared();
  await ask(`/api/v1/incidents/${id}/resolve`, { method: "POST" });
  const { length } = await deps.incident(id).journal(0);
  const stream = await ask(`/api/v1/incidents/${id}/events?until=resolved`, {
    headers: { "last-event-id": "1" },
  });
  const rows = rowsIn(await stream.text());
  expect(rows.map((row) => row.id)).toEqual(Array.from({ length: length - 1 }, (_, n) => n + 2));
});

it("tells a client that has seen everything not to come back", async ({ expect }) => {
  const id = await declared();
  await ask(`/api/v1/incidents/${id}/resolve`, { method: "POST" });
  const { length } = await deps.incident(id).journal(0);
  const answer = await ask(`/api/v1/incidents/${id}/events?until=resolved`, {
    headers: { "last-event-id": String(length) },
  });
  expect(answer.status).toBe(204);
});

it.for(["-1", "1; drop", "1e3"])("refuses the Last-Event-ID %j", async (seen, { expect }) => {
  const answer = await ask(`/api/v1/incidents/${await declared()}/events`, {
    headers: { "last-event-id": seen },
  });
  expect(answer.status).toBe(422);
});

it("opens no stream for HEAD, which would never end", async ({ expect }) => {
  const own = client();
  const path = `/api/v1/incidents/${await declared()}/events`;
  const heads = Array.from({ length: STREAMS_MAX + 1 }, () => own(path, { method: "HEAD" }));
  for (const { status } of await Promise.all(heads)) expect(status).toBe(200);
  const stream = await own(path);
  expect(stream.status).toBe(200);
  await stream.body?.cancel();
});

it("keeps the number of open streams bounded, and counts those that hung up no more", async ({
  expect,
}) => {
  const own = client();
  const path = `/api/v1/incidents/${await declared()}/events`;
  const streams = await Promise.all(Array.from({ length: STREAMS_MAX }, () => own(path)));
  const refused = await own(path);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).not.toBeNull();
  await streams[0]?.body?.cancel();
  const accepted = await own(path);
  expect(accepted.status).toBe(200);
  for (const stream of [accepted, ...streams.slice(1)]) await stream.body?.cancel();
});
