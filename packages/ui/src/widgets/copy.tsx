import { type ReactNode, useEffect, useState } from 'react'
import { shown } from '../format/outside.ts'
import styles from './copy.module.css'
import { CopyIcon } from './icons.tsx'

/** Copies text and says so for a second. */
export function useCopy(): { copied: boolean; copy: (text: string) => void } {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(() => setCopied(false), 1000)
    return () => clearTimeout(timer)
  }, [copied])
  return { copied, copy: (text) => void copyText(text).then(() => setCopied(true)) }
}

/** The clipboard API needs a secure origin; a page over plain HTTP on another host falls back to the document's own copy. */
async function copyText(text: string): Promise<void> {
  if (isSecureContext) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

/** A value that a click copies. */
export function Copyable(props: {
  text: string
  children?: ReactNode
  className?: string | undefined
  label?: string
}) {
  const { copied, copy } = useCopy()
  return (
    <button
      type="button"
      className={`${styles.copyable} ${props.className ?? ''}`}
      onClick={() => {
        // A person who marks part of the text wants that part.
        if (getSelection()?.toString() === '') copy(props.text)
      }}
      title={`${props.label ?? 'Copy'}: ${shown(props.text, 400)}`}
    >
      {props.children ?? props.text}
      {copied && <span className={styles.note}>copied</span>}
    </button>
  )
}

/** Lines to copy as a whole. */
export function CopyBlock({ text }: { text: string }) {
  const { copied, copy } = useCopy()
  return (
    <div className={styles.block}>
      {/* What is longer than there is room for is scrolled to by key, too. */}
      <pre tabIndex={0}>{text}</pre>
      <button type="button" onClick={() => copy(text)} aria-label={copied ? 'Copied' : 'Copy'} title="Copy">
        {copied ? 'copied' : <CopyIcon />}
      </button>
    </div>
  )
}
