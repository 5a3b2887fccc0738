/**
 * The page on which operators sign in, and the one after it.
 *
 * @module
 */
import { Document } from "../frame/layout.tsx";

/** The form for a token, and the way to the identity provider where there is one. */
export function SignInPage({ oidc, development, mistake }: {
  readonly oidc: boolean;
  readonly development: boolean;
  readonly mistake?: string | undefined;
}) {
  return (
    <Document title="Sign in">
      <main class="page">
        <div class="card">
          <div>
            <h1>DIT console</h1>
            <p class="muted">For the operators of this service.</p>
          </div>
          {mistake !== undefined && <p class="note bad" role="alert">{mistake}</p>}
          {oidc && (
            <p>
              <a class="button" href="/console/sign-in/oidc">Sign in with your organisation</a>
            </p>
          )}
          <form class="form" method="post" action="/console/sign-in">
            <label>
              Operator's token
              <input
                type="password"
                name="token"
                required
                autocomplete="current-password"
                autofocus={!oidc}
              />
              {development && <span>Development keeps it in .dit/admin_token.</span>}
            </label>
            <div class="actions">
              <button class="primary" type="submit">Sign in</button>
            </div>
          </form>
        </div>
      </main>
    </Document>
  );
}

/** The way on from the identity provider. */
export function SignedInPage({ name }: { readonly name: string }) {
  return (
    <Document title="Signed in" goTo="/console">
      <main class="page">
        <div class="card">
          <p>
            {name} is signed in. <a href="/console">Go on to the console</a>
          </p>
        </div>
      </main>
    </Document>
  );
}
