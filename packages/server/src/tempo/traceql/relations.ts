import type { Relation } from '@spoor/storage'

/** What the other span is to the one. */
export const INVERSE: Readonly<Record<Relation, Relation>> = {
  child: 'parent',
  parent: 'child',
  descendant: 'ancestor',
  ancestor: 'descendant',
  sibling: 'sibling',
}
