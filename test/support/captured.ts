/** What webhook vendors really sent: the bodies in `test/fixtures/webhooks`, as bytes or with a part replaced. */
import { readFileSync } from "node:fs";

type Json = Record<string, unknown>;

export const captured = (name: string): string =>
  readFileSync(new URL(`../fixtures/webhooks/${name}.json`, import.meta.url), "utf8");
/** The captured body with what is deep in it replaced: `{ "event.id": … }`. */
export function capturedBut(name: string, given: Readonly<Record<string, unknown>>): string {
  const body = JSON.parse(captured(name)) as Json;
  for (const [path, value] of Object.entries(given)) {
    const names = path.split(".");
    const last = names.pop() ?? "";
    const at = names.reduce((room, one) => room[one] as Json, body);
    at[last] = value;
  }
  return JSON.stringify(body);
}
