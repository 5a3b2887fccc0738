/**
 * The version of this program. deno.json is the one place where it stands.
 *
 * @module
 */
import project from "../deno.json" with { type: "json" };

/** Major, minor and patch (semver.org): `0.2.0`. */
export const VERSION: string = project.version;
