/** Cloudflare's cron of each minute, which wrangler's runtime does not fire by itself. */

const MINUTE_MS = 60_000;

/** Delivers at every full minute of the wall clock until disposed. A delivery that fails is not repeated, as there. */
export function runCron(deliver: () => Promise<void>): Disposable {
  let timer: NodeJS.Timeout;
  const arm = () => {
    timer = setTimeout(
      () => {
        arm();
        deliver().catch(() => {}); // The Worker's own log says why.
      },
      MINUTE_MS - (Date.now() % MINUTE_MS),
    );
  };
  arm();
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
