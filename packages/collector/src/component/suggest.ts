/** Longer names are no slips of the finger, and more candidates than this are not compared: the work is bounded. */
const MAX_LENGTH = 100
const MAX_CANDIDATES = 200

/** `; did you mean "x"?` with the candidate nearest to `word`, or '' when none is near enough to be meant. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const best = nearest(word, candidates, MAX_CANDIDATES)
  return best === undefined ? '' : `; did you mean "${best}"?`
}

/** The candidate nearest to `word`, of the first `maxCandidates`; undefined when none is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>, maxCandidates = 10_000): string | undefined {
  if (word.length > MAX_LENGTH) return undefined
  let best: string | undefined
  let seen = 0
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    if (++seen > maxCandidates) break
    if (candidate.length > MAX_LENGTH) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance: single-character insertions, deletions and replacements. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(replace, previous[j]! + 1, current[j - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}
