/**
 * The package's declarations: of each module what the entry points reach, and nothing else of it.
 *
 * @module
 */
import ts from "typescript";
import { ENTRIES, ROOT } from "./entries.ts";
import { PLATFORM, PLATFORM_NAMES } from "./platform_types.ts";

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2020,
  isolatedDeclarations: true,
  declaration: true,
};

/** A name of another module. */
interface Foreign {
  readonly module: string;
  readonly name: string;
}

/** A module's declarations. */
interface Module {
  readonly declared: ReadonlyMap<string, ts.Statement>;
  readonly imported: ReadonlyMap<string, Foreign>;
  readonly exported: ReadonlyMap<string, Foreign>;
  /** What is kept of it: of declarations, imports and exports the names. */
  readonly kept: Set<string>;
  readonly text: ts.SourceFile;
  /** Names of declarations that say less than their types. */
  readonly faults: ReadonlyMap<string, string>;
}

/** Declarations by their path in the package's `esm` and `cjs` folders, without the ending of the file's name. */
export async function declarations(): Promise<ReadonlyMap<string, string>> {
  const modules = new Map<string, Module>();

  async function moduleAt(path: string): Promise<Module> {
    const module = modules.get(path) ?? readModule(path, await Deno.readTextFile(ROOT + path));
    modules.set(path, module);
    return module;
  }

  async function keep(path: string, name: string): Promise<void> {
    const module = await moduleAt(path);
    if (module.kept.has(name)) return;
    module.kept.add(name);
    const foreign = module.imported.get(name) ?? module.exported.get(name);
    if (foreign !== undefined) return await keep(foreign.module, foreign.name);
    const statement = module.declared.get(name);
    const fault = module.faults.get(name);
    if (statement === undefined || fault !== undefined) {
      throw new Error(`${path}: ${name}: ${fault ?? "is nowhere"}`);
    }
    for (const used of identifiersOf(statement)) {
      if (module.imported.has(used) || module.declared.has(used)) await keep(path, used);
    }
  }

  const files = new Map<string, string>([["platform", PLATFORM]]);
  for (const [name, path] of Object.entries(ENTRIES)) {
    const { declared, exported } = await moduleAt(path);
    const isPublic = (statement: ts.Statement) =>
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    const names = [
      ...exported.keys(),
      ...[...declared].filter(([, one]) => isPublic(one)).map(([one]) => one),
    ];
    for (const one of names) await keep(path, one);
    files.set(name, `export { ${names.join(", ")} } from "./${withoutEnding(path)}.js";\n`);
  }
  for (const [path, module] of modules) files.set(withoutEnding(path), textOf(path, module));
  return files;
}

/** Reads the declarations of a module. */
function readModule(path: string, source: string): Module {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    fileName: path,
    compilerOptions: OPTIONS,
  });
  const text = ts.createSourceFile(path, outputText, ts.ScriptTarget.ES2020, true);
  const declared = new Map<string, ts.Statement>();
  const imported = new Map<string, Foreign>();
  const exported = new Map<string, Foreign>();
  for (const statement of text.statements) {
    const from = ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)
      ? (statement.moduleSpecifier as ts.StringLiteral | undefined)?.text
      : undefined;
    const bindings = ts.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : ts.isExportDeclaration(statement)
      ? statement.exportClause
      : undefined;
    const map = ts.isImportDeclaration(statement) ? imported : exported;
    if (bindings !== undefined && (ts.isNamedImports(bindings) || ts.isNamedExports(bindings))) {
      for (const { name, propertyName } of bindings.elements) {
        const own = (propertyName ?? name).text;
        const foreign = from === undefined ? imported.get(own) : { module: moduleOf(from, path), name: own };
        if (foreign !== undefined) map.set(name.text, foreign);
        else throw new Error(`${path}: export ${own} where it is declared`);
      }
    } else for (const name of namesOf(statement)) declared.set(name, statement);
  }
  const faults = new Map<string, string>();
  const original = ts.createSourceFile(path, source, ts.ScriptTarget.ES2020, true);
  for (const { start = 0, messageText } of diagnostics) {
    const statement = original.statements.find(({ pos, end }) => pos <= start && start < end);
    const fault = ts.flattenDiagnosticMessageText(messageText, "\n");
    for (const name of statement === undefined ? [] : namesOf(statement)) faults.set(name, fault);
  }
  return { declared, imported, exported, kept: new Set(), text, faults };
}

/** The path of a module that another one names. */
function moduleOf(specifier: string, from: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** The names that a statement declares. */
function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const { name } = statement as ts.Statement & { name?: ts.Identifier };
  return name === undefined ? [] : [name.text];
}

function identifiersOf(node: ts.Node): string[] {
  const found: string[] = [];
  const visit = (one: ts.Node) => {
    if (ts.isIdentifier(one)) found.push(one.text);
    ts.forEachChild(one, visit);
  };
  visit(node);
  return found;
}

/** What is kept of a module. */
function textOf(path: string, { declared, imported, exported, kept, text }: Module): string {
  const up = "../".repeat(path.split("/").length - 1) || "./";
  const lines = (keyword: string, map: ReadonlyMap<string, Foreign>) =>
    [...map].filter(([name]) => kept.has(name)).map(([name, foreign]) =>
      `${keyword} { ${foreign.name}${foreign.name === name ? "" : ` as ${name}`} } from "${up}${
        withoutEnding(foreign.module)
      }.js";`
    );
  const statements = new Set(
    [...declared].filter(([name]) => kept.has(name)).map(([, statement]) => statement),
  );
  const used = new Set([...statements].flatMap(identifiersOf));
  const platform = PLATFORM_NAMES.filter((name) => used.has(name));
  return [
    ...platform.length === 0 ? [] : [`import type { ${platform.join(", ")} } from "${up}platform.js";`],
    ...lines("import type", imported),
    ...lines("export", exported),
    ...text.statements.filter((statement) => statements.has(statement)).map((statement) =>
      statement.getFullText().trim()
    ),
    // A module, whatever is kept.
    "export {};",
    "",
  ].join("\n").replaceAll("@dit/service", "@dit/client");
}

function withoutEnding(module: string): string {
  return module.replace(/\.ts$/, "");
}
