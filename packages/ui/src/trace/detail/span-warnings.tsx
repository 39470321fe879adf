import { formatDuration } from '@spoor/otlp'
import { SpanFlag, type Trace } from '@spoor/trace'
import { formatCounted } from '../../format/numbers.ts'
import { Severity } from '../trace-header.tsx'
import styles from './detail.module.css'

const warnings: readonly (readonly [flag: number, text: string])[] = [
  [SpanFlag.orphan, 'Its parent is not in the trace: not sent, not sampled, or not here yet.'],
  [SpanFlag.startsBeforeParent, 'It starts before its parent: the clocks of two machines disagree.'],
  [SpanFlag.negativeDuration, 'It ended before it started, by its own clock; it is shown without length.'],
  [SpanFlag.duplicateId, 'Another span of the trace has the same id.'],
  [SpanFlag.cycle, 'Its parents lead back to itself; it is shown as a root.'],
]

/** What is odd about a span, in words. */
export function SpanWarnings({ trace, row }: { trace: Trace; row: number }) {
  const flags = trace.flags[row]!
  const texts = warnings.filter(([flag]) => (flags & flag) !== 0).map(([, text]) => text)
  const parent = trace.parent[row]!
  if (flags & SpanFlag.async && parent >= 0) {
    const after = trace.startNs[row]! + trace.durationsNs[row]! - trace.startNs[parent]! - trace.durationsNs[parent]!
    if (after > 0) texts.push(`It ran on for ${formatDuration(after)} after its parent had ended.`)
  }
  if (texts.length === 0) return null
  return (
    <ul className={styles.warnings} aria-label={formatCounted(texts.length, 'warning')}>
      {texts.map((text) => (
        <li key={text}>
          <Severity severity={flags & SpanFlag.async && text.startsWith('It ran on') ? 'info' : 'warning'} />
          {text}
        </li>
      ))}
    </ul>
  )
}
