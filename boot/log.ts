/** Writes a line about something that happened: the name of the event, and what is known of it. */
export type Log = (event: string, members?: Record<string, unknown>) => void;
