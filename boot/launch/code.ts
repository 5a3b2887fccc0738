/** The program, as a folder. */
export const CODE = new URL("../../", import.meta.url);
