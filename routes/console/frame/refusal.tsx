/**
 * What a person sees of a refusal.
 *
 * @module
 */
import type { Refusal } from "../../../core/base/errors.ts";
import { PROBLEMS } from "../../../edge/http/problem.ts";
import { Document } from "./layout.tsx";

/** The page instead of the one that was asked for. */
export function RefusalPage({ refusal }: { readonly refusal: Refusal }) {
  const [, title] = PROBLEMS[refusal.code];
  return (
    <Document title={title}>
      <main class="page">
        <div class="card">
          <h1>{title}</h1>
          <p role="alert">{refusal.message}</p>
          <p>
            <a href="/console">To the console</a>
          </p>
        </div>
      </main>
    </Document>
  );
}
