import type { AnyValue, KeyValue } from '@spoor/otlp'
import { Fragment, useState } from 'react'
import { formatBytes } from '../../format/numbers.ts'
import { Copyable } from '../../widgets/copy.tsx'
import styles from './detail.module.css'
import { valueText } from './value-text.ts'

/** Longer values are cut until a person wants them, in characters. */
const shortLength = 600

/** Attributes by key. A click copies the value. */
export function AttributeTable({ attributes }: { attributes: readonly KeyValue[] }) {
  if (attributes.length === 0) return <p className={styles.none}>None</p>
  const sorted = attributes.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  return (
    <dl className={styles.attributes}>
      {sorted.map(({ key, value }, index) => (
        // Nothing forbids a sender to repeat a key.
        <div key={`${key} ${index}`} data-long={isLong(value)}>
          <dt>
            <BreakableKey text={key} />
          </dt>
          <dd>
            <Value value={value} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

/** A key that may break after its separators rather than inside a word. */
function BreakableKey({ text }: { text: string }) {
  return text.split(/(?<=[._/:-])/).map((part, index) => (
    <Fragment key={index}>
      {part}
      <wbr />
    </Fragment>
  ))
}

/** Whether a value needs the whole width, below its key. */
function isLong(value: AnyValue): boolean {
  const text = valueText(value)
  return text.length > 120 || text.includes('\n')
}

function Value({ value }: { value: AnyValue }) {
  const [whole, setWhole] = useState(false)
  if (value.type === 'empty') return <span className={styles.none}>null</span>
  const text = valueText(value)
  if (text === '') return <span className={styles.none}>empty</span>
  const cut = !whole && text.length > shortLength
  return (
    <>
      <Copyable text={text} className={styles.value}>
        <span data-type={value.type}>{cut ? `${text.slice(0, shortLength)}…` : text}</span>
      </Copyable>
      {value.type === 'bytes' && (
        <span className={styles.unit}> {formatBytes(value.value.length)}, in hexadecimal</span>
      )}
      {cut && (
        <button type="button" className={styles.more} onClick={() => setWhole(true)}>
          Show all of {formatBytes(text.length)}
        </button>
      )}
    </>
  )
}
