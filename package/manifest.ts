/**
 * The package.json of `@dit/client`, and those of its entry points for what resolves by folders alone.
 *
 * @module
 */
import { ENTRIES } from "./entries.ts";

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** An entry point in both kinds of module. Conditions are tried in this order. */
function exportOf(name: string): object {
  const esm = { types: `./esm/${name}.d.ts`, default: `./esm/${name}.js` };
  const cjs = { types: `./cjs/${name}.d.ts`, default: `./cjs/${name}.js` };
  return {
    // One file: Metro would bring chunks into the bundle all the same.
    "react-native": cjs,
    browser: { import: esm, require: cjs },
    import: esm,
    require: cjs,
  };
}

const pathOf = (name: string) => name === "index" ? "." : `./${name}`;

/** The package's own. */
export function manifestOf(version: string): string {
  return json({
    name: "@dit/client",
    version,
    description:
      "De-identified telemetry on anonymous credentials: the client for browsers, Node, Deno, Bun and React Native",
    keywords: ["telemetry", "privacy", "anonymous credentials", "voprf", "analytics"],
    license: "MIT",
    type: "module",
    sideEffects: false,
    main: "./cjs/index.js",
    module: "./esm/index.js",
    "react-native": "./cjs/index.js",
    types: "./cjs/index.d.ts",
    unpkg: "./iife/dit.js",
    jsdelivr: "./iife/dit.js",
    exports: {
      ...Object.fromEntries(Object.keys(ENTRIES).map((name) => [pathOf(name), exportOf(name)])),
      "./package.json": "./package.json",
    },
    engines: { node: ">=20" },
  });
}

/** What stands in the folder of an entry point's name, for TypeScript's `node10` and for bundlers without `exports`. */
export function stubOf(name: string): string {
  return json({
    main: `../cjs/${name}.js`,
    module: `../esm/${name}.js`,
    types: `../cjs/${name}.d.ts`,
    sideEffects: false,
  });
}
