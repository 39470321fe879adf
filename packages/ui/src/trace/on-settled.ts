import type { StoreApi } from 'zustand'

/** Calls `write` when the state has not changed any more, as `isChange` says, for `settleMs` milliseconds. Gives the function that ends that. */
export function onSettled<T>(
  store: Pick<StoreApi<T>, 'subscribe'>,
  settleMs: number,
  isChange: (state: T, before: T) => boolean,
  write: () => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = store.subscribe((state, before) => {
    if (!isChange(state, before)) return
    clearTimeout(timer)
    timer = setTimeout(write, settleMs)
  })
  return () => {
    stop()
    clearTimeout(timer)
  }
}
