/**
 * Where an identity provider's endpoints are. It is asked by a process that may reach the provider and nothing else, so
 * that the launcher, which may start programs, reaches no network.
 *
 * @module
 */
import { hostOfUrl } from "../hosts_of_urls.ts";
import { runDenoApart } from "./run_deno.ts";

/** A start does not wait longer for a provider that does not answer. */
const PATIENCE_MS = 10_000;
/** What a sign-in calls; where it sends the browser, the service itself never goes. */
const CALLED = ["token_endpoint", "jwks_uri", "userinfo_endpoint"];

/** `host:port` of the endpoints of the provider at `issuer`; undefined when it does not say. */
export async function discoverHosts(issuer: string): Promise<string[] | undefined> {
  const script = new URL("./print_provider.ts", import.meta.url).href;
  try {
    const { success, stdout } = await runDenoApart(
      ["run", "--no-prompt", "--no-config", `--allow-net=${hostOfUrl(issuer)}`, script, issuer],
      { kind: "reaches a network", signal: AbortSignal.timeout(PATIENCE_MS) },
    );
    if (!success) return undefined;
    const provider: Record<string, unknown> = JSON.parse(new TextDecoder().decode(stdout));
    const urls = CALLED.map((name) => provider[name]).filter((url) => typeof url === "string");
    return urls.filter(isReachable(issuer)).map(hostOfUrl);
  } catch {
    return undefined;
  }
}

/** An endpoint in the clear is let in only where the issuer itself is. */
function isReachable(issuer: string): (url: string) => boolean {
  return (url) =>
    URL.canParse(url) && (url.startsWith("https:") || new URL(url).protocol === new URL(issuer).protocol);
}
