/**
 * The pages of the console, in the order of the navigation.
 *
 * @module
 */
import { auditLogPage } from "./audit_log/routes.tsx";
import type { ConsolePage } from "./frame/page.ts";
import { keysPage } from "./keys/routes.tsx";
import { overviewPage } from "./overview/routes.tsx";
import { privacyPage } from "./privacy/routes.tsx";
import { releasesPage } from "./releases/routes.tsx";
import { schemaPage } from "./schema/routes.tsx";

/** All of them: layout, routes and live views are made from this list. */
export const PAGES: readonly ConsolePage[] = [
  overviewPage,
  keysPage,
  privacyPage,
  releasesPage,
  schemaPage,
  auditLogPage,
];
