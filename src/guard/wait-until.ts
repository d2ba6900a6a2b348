/** Keeps the isolate at work for a promise after the answer is out; the runtime's, bound to one request. */
export type WaitUntil = (promise: Promise<unknown>) => void;
