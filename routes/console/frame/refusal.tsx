/**
 * What a person sees of a refusal.
 *
 * @module
 */
import type { Refusal } from "../../../core/base/errors.ts";
import { PROBLEMS } from "../../../edge/http/problem.ts";
import { Document } from "./layout.tsx";

/** The page instead of the one that was asked for. */
export function RefusalPage({ refusal, signingIn }: {
  readonly refusal: Refusal;
  /** Whether somebody wanted to sign in: what a code is called where a token is shown says nothing to them. */
  readonly signingIn: boolean;
}) {
  const [, title] = signingIn ? [0, "You are not signed in"] : PROBLEMS[refusal.code];
  return (
    <Document title={title}>
      <main class="page">
        <div class="card">
          <h1>{title}</h1>
          <p role="alert">{refusal.message}</p>
          <p>
            {signingIn
              ? <a href="/console/sign-in">To the sign-in</a>
              : <a href="/console">To the console</a>}
          </p>
        </div>
      </main>
    </Document>
  );
}
