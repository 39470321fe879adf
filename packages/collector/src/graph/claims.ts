import type { Node } from './node.ts'

export interface Claimed {
  /** Of those that come: what has to wait until others have gone. */
  readonly heirs: ReadonlySet<Node>
  /** Of those that go: what others wait for. */
  readonly owners: ReadonlySet<Node>
}

/**
 * Who of `fresh` claims what one of `old` has, as only one can have it (see `claims` of a component); and with them those that use an
 * extension among them, which stop before it and start after it.
 */
export function claimed(fresh: readonly Node[], old: readonly Node[]): Claimed {
  const claims = (nodes: readonly Node[]): ReadonlySet<string> =>
    new Set(nodes.flatMap(({ component }) => component.claims ?? []))
  const had = claims(old)
  const wanted = claims(fresh)
  return { heirs: sharing(fresh, had), owners: sharing(old, wanted) }
}

function sharing(nodes: readonly Node[], claims: ReadonlySet<string>): ReadonlySet<Node> {
  const found = new Set(nodes.filter(({ component }) => component.claims?.some((claim) => claims.has(claim))))
  // Extensions use none, so that one round finds all.
  for (const node of nodes) if (node.makings.links.some((link) => found.has(link as Node))) found.add(node)
  return found
}
