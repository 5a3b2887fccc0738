/** Lays rows out in aligned columns, the first flush left and the others flush right. */
export function formatTable(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String));
  const widths: number[] = [];
  for (const row of texts) {
    row.forEach((cell, column) => widths[column] = Math.max(widths[column] ?? 0, cell.length));
  }
  return texts.map((row) => pad(row, widths).join("  ")).join("\n");
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
