/** The columns of the list behind the root, with their heads and widths: as grid tracks, wide and narrow. */
export const columns = {
  duration: ['Duration (log), by service', 'minmax(180px, 1.5fr)', 'minmax(150px, 1fr)'],
  spans: ['Spans', '64px', '48px'],
  services: ['Services', '72px', '56px'],
  errors: ['Errors', '64px', '48px'],
  tail: ['After the answer', '112px', '72px'],
  whole: ['Whole trace', '96px', '72px'],
  orphans: ['Orphans', '64px', '56px'],
  id: ['Trace id', '80px', '72px'],
  start: ['Start', '176px', '132px'],
} as const

export type ColumnKey = keyof typeof columns

export const allColumns = Object.keys(columns) as ColumnKey[]

/** Until somebody chooses others. */
const usual: readonly ColumnKey[] = ['duration', 'spans', 'services', 'errors', 'start']

/** Those that were chosen, in their order; what was kept may be of another version. */
export function chosenColumns(kept: readonly string[] | undefined): readonly ColumnKey[] {
  return kept ? allColumns.filter((key) => kept.includes(key)) : usual
}
