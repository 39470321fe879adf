import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import type { ApiFailure } from '../api/api-failure.ts'
import { SearchIcon } from '../widgets/icons.tsx'
import { completionAt } from './completion.ts'
import styles from './query-bar.module.css'
import { type Choice, useChoices } from './use-choices.ts'

/** The query: a text field with completion, sent with Enter. What the server could not read is shown with its place below. */
export function QueryBar(props: { value: string; onSubmit: (text: string) => void; failure: ApiFailure | undefined }) {
  const [text, setText] = useState(props.value)
  const [caret, setCaret] = useState(0)
  const [open, setOpen] = useState(false)
  const [active, setActive] = useState(-1)
  const input = useRef<HTMLInputElement>(null)
  const list = useId()
  useEffect(() => setText(props.value), [props.value])

  const context = completionAt(text, caret)
  const { choices, failure: noChoices } = useChoices(context, text, open)
  const shown = open && choices.length > 0

  const isApplied = text.trim() === props.value.trim()

  const choose = (choice: Choice) => {
    const next = text.slice(0, context.start) + choice.insert + text.slice(context.end).trimStart()
    const position = context.start + choice.insert.length
    setText(next)
    setCaret(position)
    setActive(-1)
    requestAnimationFrame(() => input.current?.setSelectionRange(position, position))
  }
  const submit = () => {
    setOpen(false)
    props.onSubmit(text.trim())
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const choice = choices[active]
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      setOpen(true)
      setActive(move(active, event.key === 'ArrowDown' ? 1 : -1, choices.length))
    } else if (event.key === 'Enter') {
      if (shown && choice) choose(choice)
      else submit()
    } else if (event.key === 'Tab' && shown && (choice ?? choices[0]) && context.prefix !== '') {
      choose(choice ?? choices[0]!)
    } else if (event.key === 'Escape') {
      if (shown) setOpen(false)
      else input.current?.blur()
    } else return
    event.preventDefault()
  }

  return (
    <div className={styles.bar} role="search">
      <div className={styles.field} data-invalid={props.failure !== undefined}>
        <SearchIcon />
        <input
          ref={input}
          id="query"
          role="combobox"
          aria-label="Query"
          aria-expanded={shown}
          aria-controls={list}
          aria-autocomplete="list"
          aria-activedescendant={shown && active >= 0 ? `${list}-${active}` : undefined}
          aria-invalid={props.failure !== undefined}
          placeholder="service:… status:error duration>200ms, or any word"
          spellCheck={false}
          autoComplete="off"
          value={text}
          onChange={(event) => {
            setText(event.target.value)
            setCaret(event.target.selectionStart ?? event.target.value.length)
            setActive(-1)
            setOpen(true)
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart ?? 0)}
          onClick={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKeyDown}
        />
        {isApplied ? (
          <span className={styles.key} aria-hidden="true">
            ⏎
          </span>
        ) : (
          <button
            type="button"
            className={styles.key}
            data-waiting="true"
            title="What is shown is of the query before"
            onClick={submit}
          >
            ⏎ to search
          </button>
        )}
      </div>
      {shown && (
        <ul className={styles.choices} role="listbox" id={list} aria-label="Completions">
          {choices.map((choice, index) => (
            <li
              key={choice.label}
              id={`${list}-${index}`}
              role="option"
              aria-selected={index === active}
              className={styles.choice}
              ref={index === active ? (element) => element?.scrollIntoView({ block: 'nearest' }) : undefined}
              onPointerDown={(event) => {
                event.preventDefault()
                choose(choice)
              }}
            >
              <code>{choice.label}</code>
              {choice.help && <span>{choice.help}</span>}
            </li>
          ))}
        </ul>
      )}
      {open && noChoices && (
        <p className={styles.unknown} role="status">
          What the store knows cannot be offered here: {noChoices.message} The query works as it is typed.
        </p>
      )}
      {props.failure && <QueryError query={props.value} failure={props.failure} />}
    </div>
  )
}

function QueryError(props: { query: string; failure: ApiFailure }) {
  const at = props.failure.position
  return (
    <p className={styles.error} role="alert">
      {at !== undefined && (
        <code className={styles.excerpt}>
          {at > 24 ? '…' : ''}
          {props.query.slice(Math.max(0, at - 24), at)}
          <mark>{props.query.slice(at, at + 1) || ' '}</mark>
          {props.query.slice(at + 1, at + 12)}
        </code>
      )}
      {props.failure.message}
    </p>
  )
}

/** The next index in a ring of `count` with one place outside (-1), where nothing is chosen. */
function move(active: number, by: number, count: number): number {
  return ((active + 1 + by + count + 1) % (count + 1)) - 1
}
