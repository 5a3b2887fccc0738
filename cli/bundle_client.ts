// deno-lint-ignore-file no-console -- a command line tool speaks to a person.
/**
 * Bundles the client SDK into one module for the example page, as a bundler would do for an app that installed it:
 * `deno run --unstable-bundle --allow-all cli/bundle_client.ts [folder of the service]`.
 *
 * It is a process of its own because bundling starts another program, and the service may start none.
 *
 * @module
 */
import { CLIENT_BUNDLE } from "../boot/client_bundle.ts";
import { makePrivateFolder } from "../boot/private_files.ts";

/** Bundles the client for browsers and writes it where the service that runs in `folder` looks for it. */
async function bundleClient(folder: string): Promise<void> {
  const { success, errors, outputFiles = [] } = await Deno.bundle({
    entrypoints: [new URL("../client/mod.ts", import.meta.url).pathname],
    platform: "browser",
    write: false,
  });
  if (!success) throw new Error(errors.map(({ text }) => text).join("\n"));
  const path = `${folder}/${CLIENT_BUNDLE}`;
  await makePrivateFolder(path.slice(0, path.lastIndexOf("/")));
  await Deno.writeTextFile(path, outputFiles.map((file) => file.text()).join(""), { mode: 0o600 });
}

if (import.meta.main) {
  // The service runs without its example.
  await bundleClient(Deno.args[0] ?? ".").catch((error) =>
    console.error(`The client was not bundled for /examples/browser: ${error.message}`)
  );
}
