/** How long a session lasts after the last thing that was recorded in it. */
const IDLE_MS = 30 * 60_000
const KEY = 'spoor.session'

/**
 * The id of the session: one for all pages of a tab that come after each other without half an hour between them. Where a page may not keep
 * anything, each page is a session.
 */
export function createSession(storage: () => Storage, nowMs: () => number = Date.now): () => string {
  let id: string | undefined
  let seenMs = 0
  try {
    const [kept, at] = storage().getItem(KEY)?.split(' ') ?? []
    if (kept && Number(at) > 0) [id, seenMs] = [kept, Number(at)]
  } catch {
    // Storage may be forbidden, even to be named.
  }
  return () => {
    const at = nowMs()
    if (id === undefined || at - seenMs > IDLE_MS) id = crypto.getRandomValues(new Uint32Array(4)).join('-')
    seenMs = at
    try {
      storage().setItem(KEY, `${id} ${at}`)
    } catch {
      // As above.
    }
    return id
  }
}
