/** Asks whose browser it is. Says nothing of the incident that a link names: it may not even be there. */
import { html } from "hono/html";
import { frame } from "./frame.ts";

/** @param to Where whoever signs in wanted to go. @param refused What was wrong with what they showed; null at first. */
export const signInPage = (
  title: string,
  { action, to, refused }: { action: string; to: string; refused: string | null },
) =>
  frame(
    `Sign in – ${title}`,
    html`<h1>Firebreak of ${title}</h1>
      <p>Show your API token once: this browser is then known for 30 days.</p>
      ${refused === null ? "" : html`<p class="notice" role="alert">${refused}</p>`}
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
          />
        </label>
        <button>Sign in</button>
      </form>
      <p class="dim">
        No token? Whoever deploys Firebreak adds you to <code>API_TOKENS</code>. The buttons of
        messages in Slack and Discord need none.
      </p>`,
  );
