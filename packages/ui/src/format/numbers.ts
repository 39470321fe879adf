const grouped = new Intl.NumberFormat('en')

/** `2,318`. */
export function formatCount(count: number): string {
  return grouped.format(count)
}

/** `1 span`, `14 spans`. The plural is the singular with an s unless given. */
export function formatCounted(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`
}

/** A rate a second with sensible digits: `0.4`, `12`, `1,204`. */
export function formatRate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 9.95) return perSecond.toFixed(1)
  return formatCount(Math.round(perSecond))
}

/** Bytes in decimal units: `912 B`, `4.2 kB`, `13 MB`. */
export function formatBytes(bytes: number): string {
  const names = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = bytes < 1000 ? 0 : Math.min(names.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${names[power]}`
}

/** A share 0-1 in percent: `< 0.1 %`, `0.3 %`, `42 %`. */
export function formatShare(share: number): string {
  const percent = share * 100
  if (percent > 0 && percent < 0.05) return '< 0.1 %'
  return `${percent > 0 && percent < 0.95 ? percent.toFixed(1) : Math.round(percent)} %`
}
