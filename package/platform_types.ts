/**
 * Types of the platform that the client's own declarations name. Where an app compiles with a library that has them they
 * are those; elsewhere (Node without DOM, React Native) the part that the client uses.
 *
 * @module
 */

/** Their names. */
export const PLATFORM_NAMES: readonly string[] = ["Headers", "Response", "RequestInit"];

/** Their declarations. */
export const PLATFORM = `type Of<Name extends string, Otherwise> =
    typeof globalThis extends Record<Name, { prototype: infer T }> ? T : Otherwise;
/** The part of Headers that the client uses. */
export interface MinimalHeaders {
    get(name: string): string | null;
}
/** The part of a Response that the client uses. */
export interface MinimalResponse {
    readonly status: number;
    readonly headers: MinimalHeaders;
    arrayBuffer(): Promise<ArrayBuffer>;
}
/** What the client says about a request. */
export interface MinimalRequestInit {
    method?: string;
    headers?: any;
    body?: any;
    signal?: any;
    [option: string]: any;
}
export type Headers = Of<"Headers", MinimalHeaders>;
export type Response = Of<"Response", MinimalResponse>;
export type RequestInit = typeof globalThis extends { fetch: (input: any, init?: infer Init) => any }
    ? NonNullable<Init>
    : MinimalRequestInit;
`;
