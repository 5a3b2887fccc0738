/**
 * The frame of every page: navigation, who is signed in, and where the style and scripts come from.
 *
 * @module
 */
import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import type { ConsoleSession } from "../../../edge/auth/console_sessions.ts";
import type { OperatorEntry } from "../../../edge/auth/operator_entries.ts";
import { type ConsolePage, pathFor } from "./page.ts";

/** What a frame is made of. */
export interface LayoutProps {
  /** What the page is about. */
  readonly title: string;
  /** Its entry in the navigation. */
  readonly page: ConsolePage;
  /** All entries. */
  readonly pages: readonly ConsolePage[];
  /** Whose session it is. */
  readonly session: ConsoleSession;
  /** The applications. */
  readonly apps: readonly string[];
  /** The application that the page shows; pages of all show none. */
  readonly app?: string | undefined;
  /** This deployment's region. */
  readonly region: string;
  /** Where its live view is. */
  readonly live?: string | undefined;
  /** What it shows. */
  readonly children: Child;
}

/** What a role may, after the name of who has it. */
const WHAT_ROLES_MAY = {
  admin: "",
  reader: " (may look, not act)",
  analyst: " (sees releases and schemas)",
} as const;

/** What whoever sees some applications alone is told, behind their name. */
function scopeOf(entries: readonly OperatorEntry[]): string {
  const scopes = entries.flatMap(({ apps }) => apps === undefined ? [] : [apps]);
  if (scopes.length < entries.length) return "";
  return ` for ${[...new Set(scopes.flatMap((apps) => [...apps]))].join(", ")}`;
}

/** A whole document with nothing but a head and a body. */
export function Document({ title, live, goTo, children }: {
  readonly title: string;
  /** A page to go on to at once. */
  readonly goTo?: string | undefined;
  readonly live?: string | undefined;
  readonly children: Child;
}) {
  return (
    <>
      {raw("<!DOCTYPE html>")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="robots" content="noindex" />
          {goTo !== undefined && <meta http-equiv="refresh" content={`0; url=${goTo}`} />}
          <title>{title} - DIT</title>
          <link rel="icon" href="data:," />
          <link rel="stylesheet" href="/console/assets/uplot.css" />
          <link rel="stylesheet" href="/console/assets/console.css" />
          <script src="/console/assets/uplot.js" defer />
          <script src="/console/assets/console.js" defer />
        </head>
        <body data-live={live}>{children}</body>
      </html>
    </>
  );
}

/** A page inside its frame. */
export function Layout(props: LayoutProps) {
  const { title, page, pages, session, apps, region, live, children } = props;
  const app = props.app ?? apps[0] ?? "";
  return (
    <Document title={title} live={live}>
      <a class="skip" href="#main">Skip to the content</a>
      <div class="frame">
        <header class="rail">
          <a class="brand" href="/console">
            <b>DIT</b>
            <span class="muted small">{region}</span>
          </a>
          <nav aria-label="Pages">
            <ul>
              {pages.map((entry) => (
                <li>
                  <a href={pathFor(entry.path, app)} aria-current={entry === page ? "page" : undefined}>
                    {entry.title}
                  </a>
                </li>
              ))}
              <li>
                <a href="/openapi">API</a>
              </li>
            </ul>
          </nav>
          {apps.length > 1 && page.path.includes(":app") && (
            <nav aria-label="Applications">
              <p class="label">Application</p>
              <ul>
                {apps.map((id) => (
                  <li>
                    <a href={pathFor(page.path, id)} aria-current={id === app ? "page" : undefined}>{id}</a>
                  </li>
                ))}
              </ul>
            </nav>
          )}
          <div class="who">
            <span class="small muted">
              {session.operator.name}
              {WHAT_ROLES_MAY[session.operator.role]}
              {scopeOf(session.signedIn.entries)}
            </span>
            <form method="post" action="/console/sign-out">
              <FormToken session={session} />
              <button class="quiet small" type="submit">Sign out</button>
            </form>
          </div>
        </header>
        <main id="main" tabindex={-1}>
          {children}
        </main>
      </div>
    </Document>
  );
}

/** What shows that a form comes from a page of this session. */
export function FormToken({ session }: { readonly session: ConsoleSession }) {
  return <input type="hidden" name="form-token" value={session.formToken} />;
}

/** The title of a page with what it is for, and whether it is live. */
export function PageHead({ title, lead, live = false, children }: {
  readonly title: string;
  readonly lead: string;
  readonly live?: boolean;
  readonly children?: Child;
}) {
  return (
    <>
      <div class="head">
        <h1>{title}</h1>
        <div class="actions">
          {live && (
            <span class="small muted">
              <span id="live-state" class="dot">Not live: load the page again</span>
            </span>
          )}
          {children}
        </div>
      </div>
      <p class="lead">{lead}</p>
    </>
  );
}
