import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from './spoor.ts'

/** A value as WebDriver BiDi has it. */
interface Remote {
  readonly type: string
  readonly value?: unknown
}

interface Answer {
  readonly id?: number
  readonly type: string
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}

/** A page of a Firefox. */
export interface FirefoxPage {
  go(url: string): Promise<void>
  /** The value of an expression in the page: JSON. */
  value<T>(expression: string): Promise<T>
  /** Asks until the expression is true. Default: for at most half a minute. */
  until(expression: string, timeoutMs?: number): Promise<void>
  /** Clicks the first element of a selector with that text, or any, once it is there. */
  click(selector: string, text?: string): Promise<void>
  press(key: string): Promise<void>
}

export interface Firefox {
  page(size?: { readonly width: number; readonly height: number }): Promise<FirefoxPage>
  /** Where it saves what is downloaded. */
  readonly downloads: string
  close(): Promise<void>
}

/**
 * Starts a Firefox as it comes with a system, without a window, and drives it by WebDriver BiDi. As much of it as these tests need: what Playwright has asks for more than
 * Debian's Firefox knows.
 */
export async function startFirefox(executable: string): Promise<Firefox> {
  const folder = await mkdtemp(join(tmpdir(), 'spoor-firefox-'))
  const child = spawn(executable, ['--headless', '--remote-debugging-port=0', '--profile', folder], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, MOZ_REMOTE_ALLOW_SYSTEM_ACCESS: '1' },
  })
  let told = ''
  child.stderr.on('data', (data: Buffer) => (told += data.toString()))
  const address = await eventually(
    'Firefox listens',
    async () => /BiDi listening on (ws:\S+)/.exec(told)?.[1],
    60_000,
    () => told,
  )
  const socket = new WebSocket(`${address}/session`)
  await once(socket, 'open')
  const waiting = new Map<number, (answer: Answer) => void>()
  socket.addEventListener('message', ({ data }: MessageEvent<string>) => {
    const answer = JSON.parse(data) as Answer
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer)
  })
  let last = 0
  async function send<T>(method: string, params: object): Promise<T> {
    const id = ++last
    const answer = await new Promise<Answer>((resolve) => {
      waiting.set(id, resolve)
      socket.send(JSON.stringify({ id, method, params }))
    })
    waiting.delete(id)
    if (answer.type === 'error') throw new Error(`${method}: ${answer.error}: ${answer.message}`)
    return answer.result as T
  }
  await send('session.new', { capabilities: {} })
  await send('browser.setDownloadBehavior', { downloadBehavior: { type: 'allowed', destinationFolder: folder } })

  return {
    downloads: folder,
    async page(viewport = { width: 1440, height: 900 }) {
      const { context } = await send<{ context: string }>('browsingContext.create', { type: 'tab' })
      await send('browsingContext.setViewport', { context, viewport })
      return pageOf(context, send)
    },
    async close() {
      const ended = once(child, 'exit')
      child.kill()
      await ended
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

function pageOf(context: string, send: <T>(method: string, params: object) => Promise<T>): FirefoxPage {
  const page: FirefoxPage = {
    async go(url) {
      await send('browsingContext.navigate', { context, url, wait: 'complete' })
    },
    async value<T>(expression: string) {
      const { result, exceptionDetails } = await send<{ result?: Remote; exceptionDetails?: { text: string } }>(
        'script.evaluate',
        {
          expression: `(async () => JSON.stringify((await (${expression})) ?? null))()`,
          target: { context },
          awaitPromise: true,
        },
      )
      if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.text}`)
      return JSON.parse(result!.value as string) as T
    },
    async until(expression, timeoutMs = 30_000) {
      const seen = () => page.value<string>('document.body?.innerText.slice(0, 2000)')
      await eventually(
        expression,
        async () => (await page.value<boolean>(`!!(${expression})`)) || undefined,
        timeoutMs,
      ).catch(async (error: Error) => {
        throw new Error(`${error.message}\n${await seen()}`)
      })
    },
    async click(selector, text = '') {
      const found = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((one) => one.textContent.includes(${JSON.stringify(text)}))`
      await page.until(found)
      const { x, y } = await page.value<{ x: number; y: number }>(
        `(() => { const box = ${found}.getBoundingClientRect(); return { x: Math.round(box.x + box.width / 2), y: Math.round(box.y + box.height / 2) } })()`,
      )
      const steps = [
        { type: 'pointerMove', x, y },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ]
      await send('input.performActions', { context, actions: [{ type: 'pointer', id: 'mouse', actions: steps }] })
    },
    async press(value) {
      const actions = [
        { type: 'keyDown', value },
        { type: 'keyUp', value },
      ]
      await send('input.performActions', { context, actions: [{ type: 'key', id: 'keyboard', actions }] })
    },
  }
  return page
}
