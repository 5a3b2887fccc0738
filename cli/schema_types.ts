/**
 * The types of a schema, for apps that live in another repository, and the schema that such an app declares.
 *
 * @module
 */
import type { Application } from "../core/config/types.ts";
import { schemaDocument } from "../core/schema/document.ts";
import { type EventSchema, NO_SUPPRESSIONS } from "../core/schema/event.ts";
import { docOf } from "../core/schema/fields/docs.ts";

/** A `.d.ts` with one interface an application: `new DitClient<DemoEvents>(...)`. */
export function schemaTypes(applications: readonly Application[]): string {
  return applications.map((app) =>
    [
      `/** What ${app.id} collects: the events and the values that each takes. */`,
      `export interface ${typeName(app.id)} {`,
      ...Object.entries(app.events).flatMap(([name, event]) => eventType(name, event)),
      "}",
      "",
    ].join("\n")
  ).join("\n");
}

/** The schema of an application, to be imported beside its types: `new DitClient({ declared, ... })`. */
export function declaredJson(app: Application): string {
  // What is stopped now or has expired is declared all the same.
  return JSON.stringify(schemaDocument(app, NO_SUPPRESSIONS, 0), undefined, 2) + "\n";
}

function typeName(app: string): string {
  return app.split("-").map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join("") + "Events";
}

function comment(text: string): string {
  return `/** ${text.replaceAll("*/", "* /").replaceAll("\n", " ")} */`;
}

function eventType(name: string, event: EventSchema): string[] {
  return [
    `  ${comment(event.description)}`,
    `  ${name}: {`,
    ...Object.entries(event.fields).flatMap(([field, schema]) => [
      ...(schema.description === undefined ? [] : [`    ${comment(schema.description)}`]),
      `    ${field}${schema.optional === true ? "?" : ""}: ${docOf(schema).typescript(schema)};`,
    ]),
    "  };",
  ];
}
