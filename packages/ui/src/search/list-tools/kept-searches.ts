import { searchText } from '../../url/search-text.ts'
import { without } from '../../url/without.ts'
import { defaultRange, readSearchUrl, type SearchUrl } from '../search-url.ts'

/** Searches that are remembered as they were asked. */
const maxRecent = 12

/** A search as it is kept: what it asks, not how its answer was looked at. */
export function keptOf(url: SearchUrl): string {
  return searchText.stringifySearch({ ...without(url, ['live', 'panel', 'groups', 'flame']) })
}

export function searchOf(kept: string): SearchUrl {
  return readSearchUrl(searchText.parseSearch(kept))
}

/** In words: the query, and the time that it is of. */
export function wordsOf(kept: string): string {
  const { q, range = defaultRange, from } = searchOf(kept)
  const time = from ? 'a fixed time' : range === 'all' ? 'all time' : `last ${range}`
  return `${q ?? 'everything'} · ${time}`
}

/** With this one first, each once. One without a query is not worth it. */
export function recentWith(recent: readonly string[], url: SearchUrl): readonly string[] {
  if (!url.q) return recent
  const kept = keptOf(url)
  return recent[0] === kept ? recent : [kept, ...recent.filter((other) => other !== kept)].slice(0, maxRecent)
}
