import type { Change } from '../threads/protocol.ts'
import type { Found } from './recover-directory.ts'

/** What a reader is told of a segment that was found: its files, the stretches of its log that have no index, and what is missing. */
export function changesOf(found: Found): Change[] {
  const { id } = found
  if ('lost' in found) {
    const { range, ...damaged } = found.lost
    return [{ type: 'lost', id, damaged, range: [String(range[0]), String(range[1])], refusal: found.refusal }]
  }
  if ('sealed' in found) return [{ type: 'sealed', id, isDamaged: found.sealed.isDamaged }]
  const changes: Change[] = [{ type: 'segment', id, indexSize: found.indexSize }]
  for (const { logStart, logEnd, damaged } of found.unindexed) {
    if (damaged) {
      const { range, ...rest } = damaged
      changes.push({ type: 'lost', id, damaged: rest, range: [String(range[0]), String(range[1])] })
    } else changes.push({ type: 'keep', id, logStart, logEnd })
  }
  return changes
}
