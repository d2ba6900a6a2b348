/** The pages that people see. */
import type { Child } from "hono/jsx";
import type { Pitch } from "./pitches.ts";

/** Null: the list is switched off for now. */
type Listed = readonly Pitch[] | null;

const Latest = ({ pitches }: { readonly pitches: Listed }) =>
  pitches === null ? (
    <p>The latest pitches are not shown for now. Everything else works.</p>
  ) : (
    <ul class="pitches">
      {pitches.map((pitch) => (
        <li>
          <h2>
            <a href={`/pitches/${pitch.id}`}>{pitch.title}</a>
          </h2>
          <p>{pitch.summary}</p>
          <p class="meta">
            {pitch.author} · ${(pitch.price_cents / 100).toFixed(2)}
          </p>
        </li>
      ))}
    </ul>
  );

export const HomePage = ({ pitches }: { readonly pitches: Listed }) => (
  <Page title="Pitches">
    <Latest pitches={pitches} />
    <form method="post" action="/sign-in">
      <h2>Sign in</h2>
      <label>
        E-mail <input name="email" type="email" required autocomplete="username" />
      </label>
      <label>
        Password <input name="password" type="password" required autocomplete="current-password" />
      </label>
      <button type="submit">Sign in</button>
    </form>
  </Page>
);

export const ErrorPage = ({ message }: { readonly message: string }) => (
  <Page title="That did not work">
    <p>{message}</p>
  </Page>
);

const Page = ({ title, children }: { readonly title: string; readonly children: Child }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>{title} · Storefront</title>
      <link rel="stylesheet" href="/assets/site.css" />
    </head>
    <body>
      <header>
        <a href="/">Storefront</a>
      </header>
      <main>
        <h1>{title}</h1>
        {children}
      </main>
    </body>
  </html>
);
