import * as Radix from '@radix-ui/react-dialog'
import type { ReactNode } from 'react'
import styles from './dialog.module.css'
import button from './icon-button.module.css'
import { CloseIcon } from './icons.tsx'

/** A dialog over the page, open as long as it is mounted. Import it lazily. */
export function Dialog(props: {
  title: string
  description: string
  onClose: () => void
  children: ReactNode
  wide?: boolean
}) {
  return (
    <Radix.Root open onOpenChange={(open) => !open && props.onClose()}>
      <Radix.Portal>
        <Radix.Overlay className={styles.overlay} />
        <Radix.Content className={styles.dialog} data-wide={props.wide}>
          <header className={styles.header}>
            <Radix.Title className={styles.title}>{props.title}</Radix.Title>
            <Radix.Close className={button.icon} aria-label="Close">
              <CloseIcon />
            </Radix.Close>
          </header>
          <Radix.Description className="visually-hidden">{props.description}</Radix.Description>
          <div className={styles.body}>{props.children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}
