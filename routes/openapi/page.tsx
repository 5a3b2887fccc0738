/**
 * `GET /openapi`: the OpenAPI document as a page, without a script.
 *
 * @module
 */
import { raw } from "hono/html";
import type { RefusalCode } from "../../core/base/errors.ts";
import { PROBLEMS } from "../../edge/http/problem.ts";
import { reasonOf } from "../console/overview/reasons.ts";
import type { ApiDocument } from "./document.ts";
import { Prose } from "./prose.tsx";
import { type Message, readDocument, type RefusedWith, type Route } from "./read.ts";
import { Shape } from "./shape.tsx";

/** Where the page's style is. */
export const STYLE_PATH = "/openapi.css";

/** The page. */
export function ApiPage({ document }: { readonly document: ApiDocument }) {
  const { info, tags = [], components } = document;
  const { routes, common, refusals } = readDocument(document);
  const groups = tags.map((tag) => ({ ...tag, routes: routes.filter((route) => route.tag === tag.name) }))
    .filter((group) => group.routes.length > 0);
  const schemes = Object.entries(components?.securitySchemes ?? {}) as [string, { description?: string }][];
  return (
    <>
      {raw("<!DOCTYPE html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>API - {info.title}</title>
          <link rel="icon" href="data:," />
          <link rel="stylesheet" href={STYLE_PATH} />
        </head>
        <body>
          <a class="skip" href="#main">Skip to the content</a>
          <div class="frame">
            <header class="rail">
              <a class="brand" href="/openapi">
                <b>{info.title}</b>
                <span class="muted small">API {info.version}</span>
              </a>
              <nav aria-label="Parts">
                <ul>
                  {groups.map(({ name }) => (
                    <li>
                      <a href={`#${anchor(name)}`}>{name}</a>
                    </li>
                  ))}
                  <li>
                    <a href="#security">Who may call</a>
                  </li>
                  <li>
                    <a href="#refusals">Refusals</a>
                  </li>
                </ul>
              </nav>
            </header>
            <main id="main" tabindex={-1}>
              <div class="head">
                <h1>API</h1>
                <a href="/openapi.json">openapi.json</a>
              </div>
              <p class="lead">
                <Prose text={info.description ?? ""} />
              </p>
              <div class="stack">
                {groups.map(({ name, description, routes }) => (
                  <section class="stack" aria-labelledby={anchor(name)}>
                    <div>
                      <h2 class="group" id={anchor(name)}>{name}</h2>
                      <p class="muted">
                        <Prose text={description ?? ""} />
                      </p>
                    </div>
                    {routes.map((route) => <RoutePanel route={route} />)}
                  </section>
                ))}
                <section class="panel" aria-labelledby="security">
                  <h2 id="security">Who may call</h2>
                  <dl class="facts">
                    {schemes.map(([name, { description = "" }]) => (
                      <>
                        <dt id={`security-${name}`}>
                          <code>{name}</code>
                        </dt>
                        <dd>
                          <Prose text={description} />
                        </dd>
                      </>
                    ))}
                  </dl>
                </section>
                <Refusals refusals={refusals} common={common} />
              </div>
            </main>
          </div>
        </body>
      </html>
    </>
  );
}

function anchor(tag: string): string {
  return tag.toLowerCase().replace(/[^a-z]+/g, "-");
}

function RoutePanel({ route }: { readonly route: Route }) {
  const { id, method, path, summary, description, security, takesHeaders, takes, answers, refusals } = route;
  return (
    <section class="panel stack" aria-labelledby={id}>
      <div>
        <div class="head">
          <h3 id={id}>
            <a class="route" href={`#${id}`}>
              <span class={`badge ${method === "GET" ? "good" : "info"}`}>{method}</span> <code>{path}</code>
            </a>
          </h3>
          <span class="small muted">
            {security === undefined ? "open to everybody" : (
              <>
                needs <a href={`#security-${security}`}>{security}</a>
              </>
            )}
          </span>
        </div>
        <p>
          <b>{summary}.</b> {description !== undefined && <Prose text={description} />}
        </p>
      </div>
      <div class="columns">
        {(takes !== undefined || takesHeaders.length > 0) && (
          <div>
            <h4>Takes</h4>
            <Headers headers={takesHeaders} />
            {takes !== undefined && <Body message={takes} />}
          </div>
        )}
        <div class="answers">
          {answers.map(([status, message]) => (
            <>
              <h4>Answers {status}</h4>
              <Body message={message} />
              <Headers
                headers={Object.entries(message.headers ?? {}).map((
                  [name, { description }],
                ) => [name, description])}
              />
            </>
          ))}
        </div>
      </div>
      <p class="small">
        <span class="muted">Refuses with</span> {refusals.map((refusal) => (
          <>
            <RefusalLink {...refusal} />
            {", "}
          </>
        ))}
        <a href="#refusals">{refusals.length === 0 ? "what any route may" : "and what any route may"}</a>.
      </p>
    </section>
  );
}

function RefusalLink({ status, code }: RefusedWith) {
  return (
    <span class="nowrap">
      <span class="muted">{status}</span>{" "}
      <a href={`#refusal-${code}`}>
        <code>{code}</code>
      </a>
    </span>
  );
}

function Headers({ headers }: { readonly headers: Route["takesHeaders"] }) {
  if (headers.length === 0) return null;
  return (
    <ul class="shape">
      {headers.map(([name, meaning]) => (
        <li>
          <span class="muted">header</span> <code>{name}</code>: <Prose text={meaning} />
        </li>
      ))}
    </ul>
  );
}

function Body({ message: { description, content = {} } }: { readonly message: Message }) {
  return (
    <>
      <p>
        <Prose text={description} />
      </p>
      {Object.entries(content).map(([type, { schema }]) => (
        <>
          <p class="small">
            <code class="muted">{type}</code>
          </p>
          {schema?.type === "object" && <Shape schema={schema} />}
        </>
      ))}
    </>
  );
}

function Refusals({ refusals, common }: {
  readonly refusals: readonly RefusedWith[];
  readonly common: readonly RefusedWith[];
}) {
  const isCommon = (code: string) => common.some((refusal) => refusal.code === code);
  return (
    <section class="panel stack" aria-labelledby="refusals">
      <div>
        <h2 id="refusals">Refusals</h2>
        <p>
          A refused request changes nothing. Its body is <code>application/problem+json</code> (RFC 9457) with
          {" "}
          <code>status</code>, <code>title</code>, <code>detail</code> and the <code>code</code>{" "}
          of this table. With 429 and 503 <code>Retry-After</code> says how many seconds to wait.
        </p>
      </div>
      <table class="flow">
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Code</th>
            <th scope="col">Meaning</th>
            <th scope="col">Where</th>
          </tr>
        </thead>
        <tbody>
          {refusals.map(({ status, code }) => (
            <tr id={`refusal-${code}`}>
              <td>{status}</td>
              <th scope="row">
                <code>{code}</code>
              </th>
              <td class="wide">
                {PROBLEMS[code as RefusalCode]?.[1]}.
                <div class="why">{reasonOf(code).why}</div>
              </td>
              <td class="muted nowrap">{isCommon(code) ? "any route" : ""}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
