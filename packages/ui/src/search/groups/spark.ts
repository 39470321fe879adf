/**
 * Bars of a sparkline as an SVG path: value i stands at i of `values.length` equal parts of the width, as high as its share of `peak`; what is not 0 is at least one
 * unit high, so that it is seen.
 *
 * ```
 *        ▄       height
 *   ▂    █ ▁
 *   0 1 2 3 4    width
 * ```
 */
export function sparkPath(values: readonly number[], peak: number, width: number, height: number): string {
  const part = width / values.length
  return values
    .map((value, index) => {
      if (value <= 0) return ''
      const high = round(Math.max(1, (Math.min(value, peak) / peak) * height))
      return `M${round(index * part)} ${height}v${-high}h${round(part * 0.8)}v${high}z`
    })
    .join('')
}

const round = (value: number) => Math.round(value * 100) / 100
