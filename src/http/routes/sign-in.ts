/** Browsers of people on call: the page behind the link of a message asks once who they are. */
import type { Context } from "hono";
import { csrf } from "hono/csrf";
import { z } from "zod";
import { OWN_PREFIX } from "../../guard/facts.ts";
import { signInPage } from "../../incident-page/sign-in.ts";
import { FRAME_HEADERS } from "../../incident-page/frame.ts";
import { limitBody, type Api } from "../api-app.ts";
import type { HttpEnv } from "../auth.ts";
import type { HttpDeps } from "../deps.ts";
import { asPage, writtenIn } from "../page-problems.ts";
import { beginSession, endSession } from "../sessions.ts";

const FORM_BYTES_MAX = 8 * 1024;
const SIGN_IN = `${OWN_PREFIX}/sign-in`;
/** Only to an incident's page, and so to nowhere else. */
const INCIDENT_PAGE = /^\/_firebreak\/incidents\/inc_[0-9A-Z]{26}$/;

const form = z.object({
  token: z.string().trim().max(512).catch(""),
  to: z.string().regex(INCIDENT_PAGE).nullable().catch(null),
});

export function signInRoutes(api: Api, deps: HttpDeps): void {
  api.use("/sign-in", asPage(deps));
  api.use("/sign-out", asPage(deps));

  api.post("/sign-in", csrf(), limitBody(FORM_BYTES_MAX), async (c) => {
    const { token, to } = form.parse(await writtenIn(c));
    const caller = await beginSession(c, token, deps);
    if (caller === null) {
      return askWho(c, deps, { to: to ?? "", refused: "That token is not known here." });
    }
    return to === null
      ? c.text(`You are ${caller.name}. Follow the link of a message.`)
      : c.redirect(to, 303);
  });

  api.post("/sign-out", csrf(), (c) => {
    endSession(c);
    return c.text("Signed out.");
  });
}

type Asked = {
  readonly to: string;
  readonly refused?: string;
  /** What was written in a form that came too late. */
  readonly written?: Readonly<Record<string, string>>;
};

/** The page for whoever did not say who they are. */
export const askWho = (
  c: Context<HttpEnv>,
  { bundle, signingKeys }: Pick<HttpDeps, "bundle" | "signingKeys">,
  { to, refused, written = {} }: Asked,
) =>
  c.html(
    signInPage(bundle.site.title, {
      action: SIGN_IN,
      to,
      refused: refused ?? null,
      written,
      maySignIn: signingKeys.length > 0,
    }),
    401,
    FRAME_HEADERS,
  );
