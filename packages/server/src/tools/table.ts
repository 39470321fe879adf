/** One column: its heading, and whether its cells are figures, which stand at the right. */
export interface Column {
  readonly name: string
  readonly figures?: boolean
}

/** Lines of a table whose columns are as wide as their widest cell, indented by two spaces. The last column is not padded. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const all = [columns.map(({ name }) => name), ...rows]
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]!.length)))
  return all.map((row) => {
    const cells = row.map((cell, at) => {
      if (columns[at]!.figures) return cell.padStart(widths[at]!)
      return at === row.length - 1 ? cell : cell.padEnd(widths[at]!)
    })
    return `  ${cells.join('  ')}`.trimEnd()
  })
}
