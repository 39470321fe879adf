import type { ServicesResponse } from 'spoor/api'
import { apiUrl } from '../api/client.ts'
import { createServiceColors } from './service-color.ts'

const storageKey = 'spoor.service-colors'

/** How long the first visit waits for the names, in milliseconds: nothing that has a colour can be shown before the server answers. */
const patienceMs = 2_000

/** A browser may forbid to keep anything: then colours last as long as the page. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

let last: string | null = null
/** Whether colours are those of the store's services in order: what was drawn before these are known is not for ever. */
let isGiven = false

const colors = createServiceColors({
  read: () => attempt(() => localStorage.getItem(storageKey)) ?? last,
  write: (text) => {
    last = text
    if (isGiven) attempt(() => localStorage.setItem(storageKey, text))
  },
})

/** The colour slot of a service, the same in every view of this browser. */
export const slotOf = (service: string): number => colors.slotOf(service)

/**
 * On the first visit: gives the services of the store their colours in the order of their names, before any is drawn, so that two who look at one store see
 * the same. Never rejects; of a store that does not answer in time the colours last as long as the page, and the next visit asks again.
 */
export async function giveColors(): Promise<void> {
  isGiven = !colors.isEmpty()
  if (isGiven) return
  await fetch(apiUrl('services'), { signal: AbortSignal.timeout(patienceMs) })
    .then((response) => response.json() as Promise<ServicesResponse>)
    .then(({ services }) => {
      isGiven = true
      services.toSorted().forEach(slotOf)
    })
    .catch(() => {})
}
