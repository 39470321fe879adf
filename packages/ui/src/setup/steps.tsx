import { type KeyboardEvent, useId, useRef } from 'react'
import { CopyBlock } from '../widgets/copy.tsx'
import type { Addresses } from './addresses.ts'
import { byHand, senders } from './senders.ts'
import styles from './setup.module.css'

/** How to send traces, for each kind of sender, with lines for this very address. */
export function Steps(props: { addresses: Addresses; chosen: string | undefined; onChoose: (name: string) => void }) {
  const { addresses, onChoose } = props
  const chosen = senders.find(({ name }) => name === props.chosen) ?? senders[0]
  const id = useId()
  const list = useRef<HTMLDivElement>(null)
  const onKeyDown = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    if (by === 0) return
    event.preventDefault()
    const index = (senders.indexOf(chosen) + by + senders.length) % senders.length
    onChoose(senders[index]!.name)
    list.current?.querySelectorAll('button')[index]?.focus()
  }
  return (
    <section className={styles.steps} aria-label="How to send traces">
      <div ref={list} role="tablist" aria-label="Kind of sender" className={styles.tabs} onKeyDown={onKeyDown}>
        {senders.map((sender) => (
          <button
            key={sender.name}
            type="button"
            role="tab"
            id={`${id}-${sender.name}`}
            aria-selected={sender === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={sender === chosen ? 0 : -1}
            onClick={() => onChoose(sender.name)}
          >
            {sender.label}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen.name}`} className={styles.panel}>
        {chosen.steps(addresses).map(({ title, text }) => (
          <div key={title}>
            <h3>{title}</h3>
            <CopyBlock text={text} />
          </div>
        ))}
        {chosen.note && <p className={styles.note}>{chosen.note}</p>}
        {addresses.http && (
          <details>
            <summary>One span by hand, to see whether anything comes</summary>
            <CopyBlock text={byHand(addresses)} />
          </details>
        )}
      </div>
    </section>
  )
}
