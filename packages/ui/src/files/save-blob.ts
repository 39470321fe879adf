/** How long a browser may take to begin with saving. Milliseconds. */
const patienceMs = 60_000

/** Has the browser save something as a file. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), patienceMs)
}
