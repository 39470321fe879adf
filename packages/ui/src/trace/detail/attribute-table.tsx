import type { AnyValue, KeyValue } from '@spoor/otlp'
import { Fragment, useState } from 'react'
import { formatBytes, formatCount } from '../../format/numbers.ts'
import { shown } from '../../format/outside.ts'
import { Copyable } from '../../widgets/copy.tsx'
import { attributeGroups } from './attribute-order.ts'
import type { AttributeLevel } from './attribute-query.ts'
import { AttributeVerbs } from './attribute-verbs.tsx'
import styles from './detail.module.css'
import { formOf, sqlLines } from './value-form.ts'
import { valueText } from './value-text.ts'

/** Longer values are cut until a person wants them, in characters. */
const shortLength = 600
/** More attributes are shown when a person wants them: each has a menu, and ten thousand of them hold the page up for half a minute. */
const fewRows = 200

/** Attributes, what matters most first. A click copies the value; each has what can be asked with it. */
export function AttributeTable({ attributes, level }: { attributes: readonly KeyValue[]; level: AttributeLevel }) {
  const [all, setAll] = useState(false)
  if (attributes.length === 0) return <p className={styles.none}>None</p>
  const rows = attributeGroups(attributes).flatMap((group, at) =>
    group.attributes.map((attribute, index) => ({ ...attribute, id: `${at} ${index}`, begins: at > 0 && index === 0 })),
  )
  return (
    <>
      <dl className={styles.attributes}>
        {rows.slice(0, all ? rows.length : fewRows).map(({ key, value, id, begins }) => (
          // Nothing forbids a sender to repeat a key.
          <div key={`${id} ${key}`} data-long={isLong(key, value)} data-begins={begins}>
            <dt>
              <BreakableKey text={shown(key)} />
            </dt>
            <dd>
              <Value attribute={key} value={value} />
              <AttributeVerbs level={level} attribute={key} value={value} />
            </dd>
          </div>
        ))}
      </dl>
      {!all && rows.length > fewRows && (
        <button type="button" className={styles.more} onClick={() => setAll(true)}>
          Show all {formatCount(rows.length)}
        </button>
      )}
    </>
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
  const seen = cut ? `${text.slice(0, shortLength)}…` : text
  const form = formOf(attribute, text)
  return (
    <>
      <Copyable text={text} className={styles.value}>
        <span data-type={value.type} data-form={form}>
          {form === 'sql' ? <Sql text={seen} /> : seen}
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
