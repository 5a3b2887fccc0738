import { coloured, type Meaning } from "./output.ts";

/** A cell whose text has a colour on a terminal. */
export interface State {
  readonly text: string;
  readonly means: Meaning | undefined;
}

/** Lays rows out in aligned columns, the first flush left and the others flush right. */
export function formatTable(rows: readonly (readonly (string | number | State)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => typeof cell === "object" ? cell.text : `${cell}`));
  const widths: number[] = [];
  for (const row of texts) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return texts.map((row, index) =>
    pad(row, widths).map((text, column) => {
      const cell = rows[index]?.[column];
      return typeof cell === "object" ? coloured(text, cell.means) : text;
    }).join("  ")
  ).join("\n");
}

/** The first cell flush left, the others flush right. */
function pad(row: readonly string[], widths: readonly number[]): string[] {
  return row.map((cell, column) => {
    const width = widths[column] ?? 0;
    return column === 0 ? cell.padEnd(width) : cell.padStart(width);
  });
}

/** A table in Markdown, its columns padded: the first to the left, the others to the right. */
export function markdownTable(header: string[], rows: string[][]): string {
  const widths = header.map((_, column) =>
    Math.max(3, ...[header, ...rows].map((row) => (row[column] ?? "").length))
  );
  const line = (cells: string[]) => `| ${pad(cells, widths).join(" | ")} |`;
  const rule = widths.map((width, column) => column === 0 ? "-".repeat(width) : "-".repeat(width - 1) + ":");
  return [line(header), line(rule), ...rows.map(line)].join("\n");
}
