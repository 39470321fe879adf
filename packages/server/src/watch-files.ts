import { stat } from 'node:fs/promises'

/** How often files are looked at. Milliseconds. */
const INTERVAL_MS = 1_000

/**
 * Calls `changed` when one of the files has another content or is another file, and has been left alone for one interval since. They are looked
 * at, not listened to: that sees a file which is replaced, a link which is set anew (as Kubernetes does), and files on network disks.
 * Gives the function that ends it.
 */
export function watchFiles(files: () => readonly string[], changed: () => void, intervalMs = INTERVAL_MS): () => void {
  /** What was seen last, and what the program has. */
  const seen = new Map<string, string>()
  const known = new Map<string, string>()
  let isOver = false
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    let isChanged = false
    for (const file of files()) {
      const now = await fingerprint(file)
      if (!known.has(file)) known.set(file, now)
      else if (known.get(file) !== now && seen.get(file) === now) {
        known.set(file, now)
        isChanged = true
      }
      seen.set(file, now)
    }
    if (isOver) return
    if (isChanged) changed()
    timer = setTimeout(() => void look(), intervalMs).unref()
  }

  void look()
  return () => {
    isOver = true
    clearTimeout(timer)
  }
}

/** Which file it is, and of which state; the same as long as it is not there. */
async function fingerprint(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(file, { bigint: true })
    return [dev, ino, size, mtimeNs].join(' ')
  } catch {
    return ''
  }
}
