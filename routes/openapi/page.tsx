/**
 * `GET /openapi`: every operation with its shapes, bounds and refusals, to be read without a script.
 *
 * @module
 */
import { raw } from "hono/html";
import type { DescribedMessage, DescribedOperation } from "./describe.ts";
import type { ApiDocument } from "./document.ts";

/** The page. */
export function ApiPage({ document: { info, tags, paths } }: { readonly document: ApiDocument }) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
  );
  const groups = tags
    .map((tag) => ({
      ...tag,
      operations: operations.filter(({ operation }) => operation.tags[0] === tag.name),
    }))
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
          <main>
            <h1>API</h1>
            <p>{info.description}</p>
            <p>
              For tools the same is in <a href="/openapi.json">openapi.json</a>.
            </p>
            {groups.map(({ name, description, operations }) => (
              <section>
                <h2>{name}</h2>
                <p>{description}</p>
                {operations.map((one) => <Operation {...one} />)}
              </section>
            ))}
          </main>
        </body>
      </html>
    </>
  );
}

interface OperationProps {
  readonly path: string;
  readonly method: string;
  readonly operation: DescribedOperation;
}

function Operation({ path, method, operation }: OperationProps) {
  const { summary, description, security, parameters = [], requestBody, responses } = operation;
  const schemes = security.flatMap((scheme) => Object.keys(scheme));
  return (
    <details>
      <summary>
        <code>{method.toUpperCase()} {path}</code> {summary}
      </summary>
      {description === undefined ? null : <p>{description}</p>}
      {schemes.length === 0 ? null : <p>Shows who calls: {schemes.join(", ")}.</p>}
      {parameters.map(({ name, in: place, required, description, schema }) => (
        <>
          <h3>
            <code>{name}</code>, {place === "path" ? "a part of the path" : "a header"}
            {required ? "" : ", optional"}
          </h3>
          {description === undefined ? null : <p>{description}</p>}
          <pre tabindex={0}>{JSON.stringify(schema, null, 2)}</pre>
        </>
      ))}
      {requestBody === undefined ? null : <Message title="Body" message={requestBody} />}
      {Object.entries(responses).map(([status, message]) => (
        <Message title={`Answer ${status}`} message={message} />
      ))}
    </details>
  );
}

function Message({ title, message }: { readonly title: string; readonly message: DescribedMessage }) {
  const { description, headers = {}, content = {} } = message;
  return (
    <>
      <h3>{title}</h3>
      <p>{description}</p>
      {Object.entries(headers).map(([name, header]) => (
        <p>
          <code>{name}</code>: {header.description}
        </p>
      ))}
      {Object.entries(content).map(([type, { schema }]) => (
        <>
          <p>
            <code>{type}</code>
          </p>
          {schema === undefined ? null : <pre tabindex={0}>{JSON.stringify(schema, null, 2)}</pre>}
        </>
      ))}
    </>
  );
}
