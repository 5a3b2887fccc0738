/**
 * `GET /openapi`: the operations as a list, which can be read without a script, and in whose place the viewer draws them
 * with all that the document says.
 *
 * @module
 */
import { raw } from "hono/html";
import type { ApiDocument } from "./document.ts";

/** The page. */
export function ApiPage({ document: { info, tags, paths } }: { readonly document: ApiDocument }) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { tags: [tag], summary }]) => ({ path, method, tag, summary }))
  );
  const groups = tags
    .map((tag) => ({ ...tag, operations: operations.filter((operation) => operation.tag === tag.name) }))
    .filter((group) => group.operations.length > 0);
  return (
    <>
      {raw("<!DOCTYPE html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>API - {info.title}</title>
          <link rel="icon" href="data:," />
          <link rel="stylesheet" href="/openapi.css" />
        </head>
        <body>
          <div id="api">
            <main>
              <h1>API</h1>
              <p>{info.description}</p>
              <p>
                Every shape, bound and refusal is in <a href="/openapi.json">openapi.json</a>.
              </p>
              {groups.map(({ name, description, operations }) => (
                <>
                  <h2>{name}</h2>
                  <p>{description}</p>
                  <ul>
                    {operations.map(({ method, path, summary }) => (
                      <li>
                        <code>{method.toUpperCase()} {path}</code> {summary}
                      </li>
                    ))}
                  </ul>
                </>
              ))}
            </main>
          </div>
          <script src="/openapi.js"></script>
        </body>
      </html>
    </>
  );
}
