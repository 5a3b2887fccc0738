const ALL = ["read", "write", "net", "env", "run", "ffi", "sys", "import"] as const;

/** Gives the permissions of this process back, for good, but those kept. A database that is open stays as it was opened. */
export function dropPermissions(...kept: (typeof ALL)[number][]): void {
  for (const name of ALL.filter((name) => !kept.includes(name))) {
    Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
  }
}
