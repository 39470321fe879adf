import type { AnyValue, KeyValue } from '@spoor/otlp'
import { Fragment, useState } from 'react'
import { formatBytes } from '../../format/numbers.ts'
import { Copyable } from '../../widgets/copy.tsx'
import { attributeGroups } from './attribute-order.ts'
import type { AttributeLevel } from './attribute-query.ts'
import { AttributeVerbs } from './attribute-verbs.tsx'
import styles from './detail.module.css'
import { formOf, sqlLines } from './value-form.ts'
import { valueText } from './value-text.ts'

/** Longer values are cut until a person wants them, in characters. */
const shortLength = 600

/** Attributes, what matters most first. A click copies the value; each has what can be asked with it. */
export function AttributeTable({ attributes, level }: { attributes: readonly KeyValue[]; level: AttributeLevel }) {
  if (attributes.length === 0) return <p className={styles.none}>None</p>
  return (
    <dl className={styles.attributes}>
      {attributeGroups(attributes).map((group, at) =>
        group.attributes.map(({ key, value }, index) => (
          // Nothing forbids a sender to repeat a key.
          <div key={`${at} ${key} ${index}`} data-long={isLong(key, value)} data-begins={at > 0 && index === 0}>
            <dt>
              <BreakableKey text={key} />
            </dt>
            <dd>
              <Value attribute={key} value={value} />
              <AttributeVerbs level={level} attribute={key} value={value} />
            </dd>
          </div>
        )),
      )}
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
function isLong(key: string, value: AnyValue): boolean {
  const text = valueText(value)
  return text.length > 120 || text.includes('\n') || formOf(key, text) === 'sql'
}

function Value({ attribute, value }: { attribute: string; value: AnyValue }) {
  const [whole, setWhole] = useState(false)
  if (value.type === 'empty') return <span className={styles.none}>null</span>
  const text = valueText(value)
  if (text === '') return <span className={styles.none}>empty</span>
  const cut = !whole && text.length > shortLength
  const shown = cut ? `${text.slice(0, shortLength)}…` : text
  const form = formOf(attribute, text)
  return (
    <>
      <Copyable text={text} className={styles.value}>
        <span data-type={value.type} data-form={form}>
          {form === 'sql' ? <Sql text={shown} /> : shown}
        </span>
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

function Sql({ text }: { text: string }) {
  return sqlLines(text).map((line, index) => (
    // The lines of a text stay where they are.
    <span key={index}>{line.map(({ text, isKeyword }, index) => (isKeyword ? <b key={index}>{text}</b> : text))}</span>
  ))
}
