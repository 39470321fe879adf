// `npm start`: sets up what is missing, then runs the object-classification world against Spoor until Ctrl-C.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { environment, node, root, setup } from './setup.mjs'

setup()

const world = join(root, 'examples', 'object-classification', 'dist', 'world.js')
// The channel is a leash: the world stops when it closes, even if this process is killed without a chance to say so.
const child = spawn(node, [world, ...process.argv.slice(2)], {
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  cwd: root,
  env: environment,
})

// Ctrl-C reaches the child by itself (same process group); this process only has to stay until the child has stopped everything.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`cannot start ${node}: ${error.message}\n`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
