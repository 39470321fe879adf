// Runs the steps of `npm test`, several at a time: each line that one prints is shown as it comes, with the step's name before it.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { environment, root } from './setup.mjs'

/** How much of what a step printed last is kept. */
const KEPT_LINES = 25

/**
 * `env`: what all steps get beside the environment of the project. `rows` has those that have ended, in that order: `label`, `ok`, `seconds`, `note`, and
 * what it printed `last`. Ctrl-C ends what runs, as that is in the same process group: it is up to the caller to go on, and to clean up.
 */
export function createSteps(env) {
  const rows = []
  const colours = process.stdout.isTTY && !process.env.NO_COLOR ? { FORCE_COLOR: '1' } : {}

  function run(label, command, args, more = {}) {
    const started = Date.now()
    const last = []
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...environment, ...colours, ...env, ...more },
      shell: process.platform === 'win32',
    })
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        process.stdout.write(`${label.padEnd(6)} │ ${line}\n`)
        if (line.trim() !== '') last.push(line)
        if (last.length > KEPT_LINES) last.shift()
      })
    }
    child.once('error', (error) => last.push(error.message))
    return new Promise((resolve) => {
      child.once('close', (code) => {
        const row = { label, ok: code === 0, seconds: (Date.now() - started) / 1000, note: '', last }
        rows.push(row)
        resolve(row)
      })
    })
  }
  return { rows, run }
}
