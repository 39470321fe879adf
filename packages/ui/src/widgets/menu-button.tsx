import { lazy, type ReactNode, Suspense, useState } from 'react'
import { ChevronDown } from './icons.tsx'
import type { MenuItem } from './menu.tsx'
import styles from './menu.module.css'

const loadMenu = () => import('./menu.tsx')
const Menu = lazy(async () => ({ default: (await loadMenu()).Menu }))

/** A button that opens a menu below itself. The menu's code comes when the pointer or the focus first reaches the button. */
export function MenuButton(props: {
  label: ReactNode
  title: string
  items: readonly MenuItem[]
  align?: 'start' | 'end'
  wide?: boolean
  className?: string | undefined
}) {
  const [wanted, setWanted] = useState(false)
  const button = (
    <button
      type="button"
      className={props.className ?? styles.button}
      aria-haspopup="menu"
      title={props.title}
      onPointerEnter={() => void loadMenu()}
      onFocus={() => void loadMenu()}
      onClick={() => setWanted(true)}
    >
      {props.label}
      <ChevronDown />
    </button>
  )
  if (!wanted) return button
  return (
    <Suspense fallback={button}>
      <Menu
        trigger={button}
        items={props.items}
        label={props.title}
        {...(props.align && { align: props.align })}
        {...(props.wide && { wide: props.wide })}
      />
    </Suspense>
  )
}
