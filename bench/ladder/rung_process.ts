/**
 * One rung of the ladder as a server of its own: `rung_process.ts PORT NAME FILE`.
 *
 * @module
 */
import { RUNGS } from "./rungs.ts";

const [port = "", name = "", path = ""] = Deno.args;
const rung = RUNGS.get(name);
if (rung === undefined) throw new RangeError(`There is no rung ${name}`);
const handle = await rung.open(path);
Deno.serve(
  { port: Number(port), hostname: "127.0.0.1", onListen: () => {} },
  (request, { remoteAddr }) => handle(request, "hostname" in remoteAddr ? remoteAddr.hostname : ""),
);
