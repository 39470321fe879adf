import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { SearchIcon } from '../widgets/icons.tsx'
import styles from './shell.module.css'

/** Opens a trace by its id: 32 hex digits, or fewer with the leading zeros left out. */
export function TraceLookup() {
  const navigate = useNavigate()
  const [text, setText] = useState('')
  const [invalid, setInvalid] = useState(false)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    const id = traceIdOf(text)
    setInvalid(id === undefined)
    if (id === undefined) return
    setText('')
    void navigate({ to: '/trace/$id', params: { id }, search: {} })
  }
  return (
    <form className={styles.lookup} onSubmit={submit} role="search">
      <SearchIcon />
      <input
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setInvalid(false)
        }}
        placeholder="trace id"
        aria-label="Open a trace by its id"
        aria-invalid={invalid}
        title={invalid ? 'A trace id has 1 to 32 hexadecimal digits' : 'Open a trace by its id'}
        spellCheck={false}
        autoComplete="off"
      />
    </form>
  )
}

/** 32 lower-case digits, or undefined when the text is no id. Spaces around it and hyphens in it do no harm. */
export function traceIdOf(text: string): string | undefined {
  const digits = text.trim().replaceAll('-', '').toLowerCase()
  return /^[0-9a-f]{1,32}$/.test(digits) && !/^0+$/.test(digits) ? digits.padStart(32, '0') : undefined
}
