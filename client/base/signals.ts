/**
 * What a user says to all programs: that none may report about them.
 *
 * @module
 */

/**
 * Where a user can say so: the variable of this service's clients, the variable of consoledonottrack.com, and Global
 * Privacy Control of a browser (w3.org/TR/gpc).
 */
export type OptOutSignal = "DIT_OPT_OUT" | "DO_NOT_TRACK" | "GPC";

/** All of them, which a client heeds unless its app says otherwise. */
export const OPT_OUT_SIGNALS: readonly OptOutSignal[] = ["DIT_OPT_OUT", "DO_NOT_TRACK", "GPC"];

/** The parts of a platform that are looked at. */
interface Platform {
  readonly navigator?: { readonly globalPrivacyControl?: unknown };
  readonly process?: { readonly env?: Record<string, unknown> };
  readonly Deno?: {
    readonly permissions: { querySync(query: object): { readonly state: string } };
    readonly env: { get(variable: string): string | undefined };
  };
}

/** The first of the signals that the user has set; undefined where there is none, or it cannot be seen. */
export function signalSet(heeded: readonly OptOutSignal[]): OptOutSignal | undefined {
  const platform = globalThis as Platform;
  return heeded.find((signal) => {
    try {
      if (signal === "GPC") return platform.navigator?.globalPrivacyControl === true;
      const value = variable(platform, signal);
      return value !== undefined && !/^(?:0|false|no|off)?$/i.test(value);
    } catch {
      // The platform does not let us see.
      return false;
    }
  });
}

function variable({ Deno, process }: Platform, name: string): string | undefined {
  if (Deno === undefined) return process?.env?.[name] as string | undefined;
  // Without the permission nobody is asked for it.
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? Deno.env.get(name) : undefined;
}
