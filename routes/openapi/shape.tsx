/**
 * The shape of a JSON body as a list that people read: each member with its type and limits, those of its own below it.
 *
 * @module
 */
import { Prose } from "./prose.tsx";

/** What is used of JSON Schema in the document. */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly format?: string;
  readonly pattern?: string;
  readonly description?: string;
}

/** A body's shape. */
export function Shape({ schema }: { readonly schema: JsonSchema }) {
  const inner = withMembers(schema);
  return (
    <div class="shape">
      {inner !== schema && <p class="muted small">{typeOf(schema)}</p>}
      {inner === undefined ? <p class="muted small">{typeOf(schema)}</p> : <Members schema={inner} />}
    </div>
  );
}

/** The members of an object; of one of several shapes first those that differ, and then those that all of them have. */
function Members({ schema }: { readonly schema: JsonSchema }) {
  const { anyOf, properties = {}, required = [], additionalProperties } = schema;
  if (anyOf !== undefined) {
    const shared = sharedBy(anyOf);
    const isShared = (name: string) => Object.hasOwn(shared.properties ?? {}, name);
    return (
      <ul>
        {anyOf.map((one) => (
          <li>
            <span class="muted">either</span>
            <Members schema={pickMembers(one, (name) => !isShared(name))} />
          </li>
        ))}
        {Object.keys(shared.properties ?? {}).length > 0 && (
          <li>
            <span class="muted">and in each case</span>
            <Members schema={shared} />
          </li>
        )}
      </ul>
    );
  }
  return (
    <ul>
      {Object.entries(properties).map(([name, member]) => (
        <Member name={<code>{name}</code>} schema={member} optional={!required.includes(name)} />
      ))}
      {typeof additionalProperties === "object" && Object.keys(additionalProperties).length > 0 && (
        <Member name={<i>any name</i>} schema={additionalProperties} optional={false} />
      )}
    </ul>
  );
}

/** What all of several shapes have in the same way. */
function sharedBy(shapes: readonly JsonSchema[]): JsonSchema {
  const memberOf = (shape: JsonSchema, name: string) =>
    JSON.stringify([shape.properties?.[name], shape.required?.includes(name)]);
  const [first = {}, ...others] = shapes;
  return pickMembers(
    first,
    (name) => others.every((shape) => memberOf(shape, name) === memberOf(first, name)),
  );
}

function pickMembers(shape: JsonSchema, isPicked: (name: string) => boolean): JsonSchema {
  const picked = Object.entries(shape.properties ?? {}).filter(([name]) => isPicked(name));
  return { ...shape, properties: Object.fromEntries(picked) };
}

function Member({ name, schema, optional }: {
  readonly name: unknown;
  readonly schema: JsonSchema;
  readonly optional: boolean;
}) {
  const inner = withMembers(schema);
  return (
    <li>
      {name} <span class="muted">{optional ? "may be left out, " : ""}{typeOf(schema)}</span>
      {schema.pattern !== undefined && schema.format === undefined && (
        <>
          {" "}
          <code class="muted">{schema.pattern}</code>
        </>
      )}
      {schema.description !== undefined && (
        <>
          {": "}
          <Prose text={schema.description} />
        </>
      )}
      {inner !== undefined && <Members schema={inner} />}
    </li>
  );
}

/** The part of a schema that has members to show: itself, or what its list holds. */
function withMembers(schema: JsonSchema): JsonSchema | undefined {
  if (schema.items !== undefined) return withMembers(schema.items);
  if (schema.properties !== undefined) return schema;
  const { additionalProperties: others } = schema;
  if (typeof others === "object" && withMembers(others) !== undefined) return schema;
  return schema.anyOf?.some((one) => withMembers(one) !== undefined) ? schema : undefined;
}

/** A type in a few words: `string of at most 300 characters`, `1 to 100 of: object`, `"open" or "stopped"`. */
export function typeOf(schema: JsonSchema): string {
  const { type, anyOf, items } = schema;
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(" or ");
  if (type === "array") return `${countOf(schema)} of: ${items === undefined ? "anything" : typeOf(items)}`;
  if (type === "integer" || type === "number") return `${type}${rangeOf(schema)}`;
  if (type === "string") {
    if (schema.format !== undefined) return schema.format;
    return schema.maxLength === undefined ? "string" : `string of at most ${schema.maxLength} characters`;
  }
  if (type === "object" && typeof schema.additionalProperties === "object") {
    const others = typeOf(schema.additionalProperties);
    return schema.properties === undefined && others !== "anything" ? `object of: ${others}` : "object";
  }
  return type ?? "anything";
}

function countOf({ minItems, maxItems }: JsonSchema): string {
  if (minItems === undefined && maxItems === undefined) return "list";
  return `list of ${minItems ?? 0}${maxItems === undefined ? " or more" : ` to ${maxItems}`}`;
}

/** Safe integers go without saying. */
function rangeOf({ minimum, exclusiveMinimum, maximum }: JsonSchema): string {
  const from = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const to = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`;
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (from !== undefined) return ` from ${from} up`;
  return to === undefined ? "" : ` up to ${to}`;
}
