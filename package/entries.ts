/**
 * What the npm package `@dit/client` gives to import, and the module of this repository behind each.
 *
 * @module
 */

/** Names of entry points, `index` for the package itself, and their modules from the root of the repository. */
export const ENTRIES: Readonly<Record<string, string>> = {
  index: "client/mod.ts",
  capture_errors: "client/capture/errors.ts",
  capture_lifecycle: "client/capture/lifecycle.ts",
  capture_navigation: "client/capture/navigation.ts",
  cli: "client/presets/cli.ts",
  react: "client/react.ts",
  vue: "client/vue.ts",
  config: "core/config/mod.ts",
  kernel: "core/voprf/kernel_client.ts",
  local_dp: "client/local_dp.ts",
  log_batches: "client/log_batches.ts",
  p384: "core/voprf/noble_p384.ts",
  storage_async: "client/storage/async_storage.ts",
  storage_deno_kv: "client/storage/deno_kv.ts",
  storage_file: "client/storage/file.ts",
};

/** The root of the repository, with a `/` at its end. */
export const ROOT = new URL("../", import.meta.url).pathname;
