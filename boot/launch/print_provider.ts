// deno-lint-ignore-file no-console -- its output is what it is for.
/**
 * Prints what an identity provider says of itself (OpenID Connect Discovery 1.0, section 4): a program of its own, which
 * boot/launch/discover_hosts.ts starts.
 *
 * @module
 */

const [issuer = ""] = Deno.args;
const response = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`, {
  redirect: "error",
});
if (!response.ok) Deno.exit(1);
console.log(JSON.stringify(await response.json()));
