/**
 * What a source uses besides its imports: the runtime, clocks, random sources, the network. Found in the syntax tree
 * that Deno's linter makes, so that comments and texts are no use of anything.
 *
 * @module
 */

const ROOTS = ["Deno", "process", "Date", "Math", "performance", "crypto", "navigator"];
const CALLS = ["fetch", "setTimeout", "setInterval", "setImmediate", "eval", "Date"];

/**
 * What `source` uses, each as it would be written: `Deno.env`, `Date.now`, `new Date()`, `fetch()`, `import()` of
 * something that is not a literal.
 *
 * @param file Its name, from which the syntax follows.
 */
export function usesOf(file: string, source: string): Set<string> {
  const uses = new Set<string>();
  const plugin: Deno.lint.Plugin = {
    name: "uses",
    rules: {
      uses: {
        create: () => ({
          MemberExpression(node) {
            const name = memberName(node);
            if (name !== undefined && ROOTS.includes(name.split(".")[0] ?? "")) uses.add(name);
          },
          TSQualifiedName(node) {
            if (node.left.type === "Identifier" && ROOTS.includes(node.left.name)) {
              uses.add(`${node.left.name}.${node.right.name}`);
            }
          },
          VariableDeclarator(node) {
            // `const { now } = Date` uses all that is in it.
            if (node.init?.type === "Identifier" && ROOTS.includes(node.init.name)) {
              uses.add(`${node.init.name}.*`);
            }
          },
          CallExpression({ callee }) {
            if (callee.type === "Identifier" && CALLS.includes(callee.name)) uses.add(`${callee.name}()`);
          },
          NewExpression({ callee, arguments: given }) {
            if (callee.type !== "Identifier") return;
            if (callee.name === "Date" && given.length === 0) uses.add("new Date()");
            if (/^(?:WebSocket|EventSource|XMLHttpRequest|Function)$/.test(callee.name)) {
              uses.add(`new ${callee.name}()`);
            }
          },
          ImportExpression(node) {
            if (node.source.type !== "Literal") uses.add("import()");
          },
        }),
      },
    },
  };
  Deno.lint.runPlugin(plugin, file, source);
  return uses;
}

/** `Deno.env` of `Deno.env`, `Deno["env"]` and `globalThis.Deno.env`; of longer chains the first two names. */
function memberName(node: Deno.lint.MemberExpression): string | undefined {
  const { object, property } = node;
  const name = property.type === "Identifier" && !node.computed
    ? property.name
    : property.type === "Literal" && typeof property.value === "string"
    ? property.value
    : "*";
  if (object.type === "Identifier") return `${object.name}.${name}`;
  if (
    object.type === "MemberExpression" && object.object.type === "Identifier" &&
    /^(?:globalThis|self|window)$/.test(object.object.name) && object.property.type === "Identifier"
  ) return `${object.property.name}.${name}`;
  return undefined;
}
