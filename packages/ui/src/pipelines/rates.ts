import type { PipelinesResponse } from 'spoor/api'

/** A collector as one answer tells of it: the Spoor that was asked, or one that sends to it. */
export type CollectorLook = Omit<PipelinesResponse, 'collectors'>
export type Component = CollectorLook['pipelines'][number]['components'][number]

/** Items a second that a component took in and handed on; undefined where it does not count that, or was not there before. */
export interface Rates {
  readonly in?: number
  readonly out?: number
}

/** What a component did between two looks at its collector. After a restart it counts from nothing again, and that is no negative rate. */
export function ratesOf(
  pipeline: string,
  { kind, id, figures }: Component,
  now: CollectorLook,
  before: CollectorLook | undefined,
): Rates {
  if (!before || before.startedAtMs !== now.startedAtMs || now.atMs <= before.atMs) return {}
  const then = before.pipelines
    .find((each) => each.id === pipeline)
    ?.components.find((each) => each.kind === kind && each.id === id)?.figures
  const seconds = (now.atMs - before.atMs) / 1000
  const rate = (value: number | undefined, old: number | undefined): number | undefined =>
    value === undefined || old === undefined ? undefined : Math.max(0, value - old) / seconds
  const [taken, handedOn] = [rate(figures.in, then?.in), rate(figures.out, then?.out)]
  return { ...(taken !== undefined && { in: taken }), ...(handedOn !== undefined && { out: handedOn }) }
}

/** What a pipeline passes on its way: all receivers side by side, each processor, all exporters side by side. */
export function stagesOf(components: readonly Component[]): Component[][] {
  const at = (place: Component['place']): Component[] => components.filter((component) => component.place === place)
  return [at('receiver'), ...at('processor').map((processor) => [processor]), at('exporter')].filter(
    (stage) => stage.length > 0,
  )
}
