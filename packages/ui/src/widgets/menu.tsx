import * as Radix from '@radix-ui/react-dropdown-menu'
import type { ReactNode } from 'react'
import styles from './menu.module.css'

export interface MenuItem {
  readonly key: string
  readonly label: ReactNode
  readonly checked?: boolean
  /** Whether a line is drawn above it. */
  readonly separated?: boolean
  readonly onSelect: () => void
}

export interface MenuProps {
  readonly trigger: ReactNode
  readonly items: readonly MenuItem[]
  readonly label: string
  readonly align?: 'start' | 'end'
  readonly wide?: boolean
  /** Back to the button, when the menu's code does not come. */
  readonly onGiveUp: () => void
}

/** The opened form of a {@link MenuButton}: loaded when it is first wanted. */
export function Menu(props: MenuProps) {
  return (
    <Radix.Root defaultOpen modal={false}>
      <Radix.Trigger asChild>{props.trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content
          className={styles.menu}
          align={props.align ?? 'start'}
          sideOffset={4}
          collisionPadding={8}
          aria-label={props.label}
          data-wide={props.wide}
        >
          {props.items.map((item) => (
            <Radix.Item
              key={item.key}
              className={styles.item}
              data-checked={item.checked}
              data-separated={item.separated}
              onSelect={item.onSelect}
            >
              {item.label}
            </Radix.Item>
          ))}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
