/** The page that asks a browser for some work, and the pages that say how it went. Nothing on them comes from anybody else. */
import { escapeHtml, renderDocument } from "../page.ts";
import { CHALLENGE_LIFE_MS, type Issued } from "./issue.ts";
import { PAGE_SCRIPT, SOLVER } from "./page-script.ts";
import { SEED_BYTES } from "./puzzles.ts";
import { RETURN_PATH_CHARS_MAX } from "./return-path.ts";
import { TURNSTILE_ACTION } from "./turnstile.ts";

export type Place = {
  readonly site: string;
  readonly contact: string | null;
  readonly statusPage: string | null;
  /** As `returnPath` made it. */
  readonly to: string;
};

export type ChallengePage = Place & {
  readonly message: string;
  readonly issued: Issued;
  readonly redeemPath: string;
  readonly turnstile: { readonly siteKey: string; readonly baseUrl: string } | null;
};

const STYLE = `
[hidden] { display: none !important; }
progress { width: 100%; height: 0.75rem; accent-color: #8a3d00; }
button { font: inherit; padding: 0.5rem 1.25rem; border: 0; border-radius: 0.4rem; background: #8a3d00; color: #fff; cursor: pointer; }
button:focus-visible, a:focus-visible { outline: 3px solid #26221d; outline-offset: 2px; }
#status { min-height: 1.6em; }
.why { color: #655d52; font-size: 1rem; }
#work, #wait { margin: 1.5rem 0; }
@media (prefers-color-scheme: dark) {
  progress { accent-color: #ffb37a; }
  .why { color: #b3aa9d; }
  button { background: #ffb37a; color: #1a1815; }
  button:focus-visible, a:focus-visible { outline-color: #ece7df; }
}`;

/** A page and the headers that it needs; `nonce` is fresh for each answer. */
export function challengePage(page: ChallengePage, nonce: string): Rendered {
  const { site, contact, statusPage, message, issued, to, redeemPath, turnstile } = page;
  const { claims, seed, token } = issued;
  const attributes = {
    seed: wordsOf(seed).join(","),
    difficulty: claims.difficulty,
    n: claims.n,
    "life-ms": CHALLENGE_LIFE_MS,
    "to-max": RETURN_PATH_CHARS_MAX,
    ...(turnstile === null
      ? {}
      : {
          "site-key": turnstile.siteKey,
          action: TURNSTILE_ACTION,
          nonce,
          script: `${turnstile.baseUrl}/api.js?render=explicit&onload=firebreakTurnstile`,
        }),
  };
  const data = Object.entries(attributes).map(
    ([name, value]) => ` data-${name}="${escapeHtml(String(value))}"`,
  );
  const main = `<p>${escapeHtml(message)}</p>
<form id="challenge" method="post" action="${redeemPath}"${data.join("")}>
<input type="hidden" name="challenge" value="${token}">
<input type="hidden" name="to" value="${escapeHtml(to)}">
<input type="hidden" name="way" value="wait">
<input type="hidden" name="solutions" value="">
<input type="hidden" name="turnstile" value="">
<div id="work" hidden>
<div id="turnstile" hidden></div>
<progress id="bar" max="${claims.n}" value="0" aria-label="Work done"></progress>
<p id="status" role="status" aria-live="polite"></p>
<button id="start" type="button" hidden>Start again</button>
</div>
<div id="wait">
${claims.waitSeconds === 0 ? NO_WAY : waiting(claims.waitSeconds)}
</div>
</form>
<p class="why">${turnstile === null ? WHY_WORK : WHY_TURNSTILE}</p>
<script nonce="${nonce}">${SOLVER}${PAGE_SCRIPT}</script>`;
  return {
    html: renderDocument(
      { site, contact, statusPage, heading: HEADING },
      { style: STYLE, nonce, main },
    ),
    policy: policyFor(nonce, turnstile?.baseUrl ?? null),
  };
}

export const HEADING = "One moment, please";

const WHY_WORK =
  "Your browser does a small calculation, which costs one visitor nothing and a flood of machines a lot. Nothing about you is collected; the site sets one cookie, to remember that you were here.";
const WHY_TURNSTILE =
  "Your browser is checked by Turnstile, a service of Cloudflare's; should that fail, it does a small calculation instead. The site sets one cookie, to remember that you were here.";

const NO_WAY = `<p>This needs a browser that runs scripts. Please allow them for this site, or use another browser.</p>`;

const waiting = (
  seconds: number,
) => `<p>Does nothing happen, or does your browser run no scripts? Wait ${seconds} seconds, then press the button.</p>
<p><button type="submit">Continue</button></p>`;

/** Who pressed too early: the same challenge, so that the time they waited counts. */
export function earlyPage(
  { to, ...place }: Place,
  {
    issued,
    redeemPath,
    leftSeconds,
  }: { readonly issued: Issued; readonly redeemPath: string; readonly leftSeconds: number },
  nonce: string,
): Rendered {
  const seconds = leftSeconds === 1 ? "1 second" : `${leftSeconds} seconds`;
  const main = `<p role="status">That was a little early. Please wait another ${seconds}, then press the button.</p>
<form method="post" action="${redeemPath}">
<input type="hidden" name="challenge" value="${issued.token}">
<input type="hidden" name="to" value="${escapeHtml(to)}">
<input type="hidden" name="way" value="wait">
<p><button type="submit">Continue</button></p>
</form>`;
  return {
    html: renderDocument({ ...place, heading: HEADING }, { style: STYLE, nonce, main }),
    policy: policyFor(nonce, null),
  };
}

/** What did not work, and a link that starts afresh: nothing on it goes on by itself. */
export function sorryPage(
  { to, ...place }: Place,
  { heading, message }: { readonly heading: string; readonly message: string },
  nonce: string,
): Rendered {
  const main = `<p role="status">${escapeHtml(message)}</p>
<p><a href="${escapeHtml(to)}">Try again</a></p>`;
  return {
    html: renderDocument({ ...place, heading }, { style: STYLE, nonce, main }),
    policy: policyFor(nonce, null),
  };
}

export type Rendered = { readonly html: string; readonly policy: string };

/**
 * `Content-Security-Policy`: our own inline script and style, a Worker made of the former, and the widget if there is one. No
 * `form-action`: Chromium holds it against each redirect that follows, and production may send whoever comes on to where people
 * log in, on another host.
 */
function policyFor(nonce: string, turnstileUrl: string | null): string {
  const widget = turnstileUrl === null ? null : new URL(turnstileUrl).origin;
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "worker-src blob:",
    ...(widget === null ? [] : [`frame-src ${widget}`, `connect-src ${widget}`]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

/** As signed 32-bit numbers, most significant byte first. */
function wordsOf(seed: Uint8Array): readonly number[] {
  const view = new DataView(seed.buffer, seed.byteOffset, SEED_BYTES);
  return Array.from({ length: SEED_BYTES / 4 }, (_, index) => view.getInt32(index * 4));
}
