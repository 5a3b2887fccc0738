// deno-lint-ignore-file no-console -- its output is what it is for.
/**
 * Makes or removes a folder of sockets: a program of its own, which boot/launch/socket_folder.ts starts.
 *
 * @module
 */

const [act, path = ""] = Deno.args;
// Such a folder is its owner's alone (0700).
if (act === "make") console.log(await Deno.makeTempDir({ dir: path, prefix: "dit-" }));
else await Deno.remove(path, { recursive: true });
