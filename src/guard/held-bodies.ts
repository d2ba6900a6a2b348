/** Bodies that one isolate holds while it reads what is asked for, or by whom: bounded, so that slow clients cannot fill its memory. */
import { Slots } from "./slots.ts";

/** What says that it is no longer is always read: it is hardly dearer than its connection. */
export const SMALL_BODY_BYTES = 16 * 1024;
/** Longer ones, or of a length that nobody says, at a time; each is held twice, for production gets it whole. */
export const LARGE_BODIES_MAX = 32;

const large = new Slots(LARGE_BODIES_MAX);

/** What `read` answers, within the deadline; `unread` where too many are being read. */
export async function holdingBody<T>(
  { headers }: { readonly headers: Pick<Headers, "get"> },
  { deadlineMs, unread }: { readonly deadlineMs: number; readonly unread: T },
  read: () => Promise<T>,
): Promise<T> {
  const length = headers.get("content-length");
  if (length !== null && Number(length) <= SMALL_BODY_BYTES) return read();
  const nowMs = Date.now();
  const untilMs = nowMs + deadlineMs;
  if (!large.take(nowMs, untilMs)) return unread;
  try {
    return await read();
  } finally {
    large.give(untilMs);
  }
}
