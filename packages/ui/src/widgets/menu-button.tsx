import { type ReactNode, useState } from 'react'
import { ChevronDown } from './icons.tsx'
import { lazyPart } from './lazy-part.tsx'
import type { MenuItem, MenuProps } from './menu.tsx'
import styles from './menu.module.css'

const Menu = lazyPart<MenuProps>(async () => (await import('./menu.tsx')).Menu, {
  name: 'The menu',
  waiting: ({ trigger }) => trigger,
  floating: { onClose: ({ onGiveUp }) => onGiveUp() },
})

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
      onPointerEnter={() => void Menu.preload()}
      onFocus={() => void Menu.preload()}
      onClick={() => setWanted(true)}
    >
      {props.label}
      <ChevronDown />
    </button>
  )
  if (!wanted) return button
  return (
    <Menu
      trigger={button}
      items={props.items}
      label={props.title}
      onGiveUp={() => setWanted(false)}
      {...(props.align && { align: props.align })}
      {...(props.wide && { wide: props.wide })}
    />
  )
}
