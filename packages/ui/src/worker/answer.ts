import type { WorkerAnswer, WorkerRequest } from './ask.ts'

/** What a handler of a worker has: a way to say that it is still at work. */
export interface AtWork {
  /** Tells the page that there is progress. Call it whenever something that can hang has moved on. */
  readonly alive: () => void
}

/** A reply, and the buffers of it that move to the page instead of being copied. */
export interface Handed<Reply> {
  readonly reply: Reply
  readonly transfer?: readonly Transferable[]
}

/** Does what a request asks for. */
export type Handler<Request, Reply> = (request: Request, work: AtWork) => Handed<Reply> | Promise<Handed<Reply>>

/**
 * The worker's side of `ask`: one request, one reply. What the handler throws, and a reply that cannot be handed over, becomes an answer too, so that the
 * page hears of it.
 */
export function answer<Reply>(handler: Handler<never, Reply>): void {
  addEventListener('message', ({ ports: [port], data }: MessageEvent<unknown>) => {
    if (port) void answerOn(port, data as WorkerRequest<never>, handler)
  })
}

async function answerOn<Reply>(
  port: MessagePort,
  { request, lifeLock }: WorkerRequest<never>,
  handler: Handler<never, Reply>,
): Promise<void> {
  const say = (message: WorkerAnswer<Reply>, transfer: readonly Transferable[] = []) =>
    port.postMessage(message, [...transfer])
  // Held until this worker is no more. Browsers have locks only where a page is safe from others on the way; without one, silence tells.
  if ('locks' in navigator) {
    void navigator.locks.request(lifeLock, () => {
      say({ kind: 'locked' })
      return new Promise(() => {})
    })
  }
  try {
    const { reply, transfer } = await handler(request, { alive: () => say({ kind: 'alive' }) })
    say({ kind: 'reply', reply }, transfer)
  } catch (error) {
    say({ kind: 'threw', message: String(error) })
  }
}
