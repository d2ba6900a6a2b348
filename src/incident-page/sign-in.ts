/** Asks whose browser it is. Says nothing of the incident that a link names: it may not even be there. */
import { html } from "hono/html";
import { OWN_PREFIX } from "../guard/facts.ts";
import { frame } from "./frame.ts";
import { whatWasWritten } from "./problem.ts";

type SignIn = {
  readonly action: string;
  /** Where whoever signs in wanted to go. */
  readonly to: string;
  /** What was wrong with what they showed; null at first. */
  readonly refused: string | null;
  /** What stood in a form that came once they were known no more. */
  readonly written: Readonly<Record<string, string>>;
  /** There is something to sign sessions with. */
  readonly maySignIn: boolean;
};

export const signInPage = (title: string, given: SignIn) =>
  frame(
    `Sign in – ${title}`,
    html`<h1>Firebreak of ${title}</h1>
      ${given.refused === null ? "" : html`<p class="notice" role="alert">${given.refused}</p>`}
      ${given.maySignIn ? signIn(given) : NOBODY_CAN} ${whatWasWritten(given.written)}`,
  );

const signIn = ({ action, to }: SignIn) =>
  html`<p>Show your API token once: this browser is then known for 30 days.</p>
    <form method="post" action="${action}">
      <input type="hidden" name="to" value="${to}" />
      <input type="text" name="who" value="firebreak" autocomplete="username" hidden />
      <label>
        API token
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          required
          maxlength="512"
          autofocus
        />
      </label>
      <button>Sign in</button>
    </form>
    <p class="dim">
      No token? Whoever deploys Firebreak adds you to <code>API_TOKENS</code>. The buttons of
      messages in Slack and Discord need none.
    </p>`;

const NOBODY_CAN = html`<p class="notice">
  Nobody can sign in: the secret <code>SIGNING_KEYS</code> is not set. With a token, the API does
  the same: <code>${OWN_PREFIX}/api/v1/incidents</code>, and what it takes is in
  <code>${OWN_PREFIX}/api/v1/openapi.json</code>.
</p>`;
