// `npm run world:soak`: sets up what is missing, then a world of its own under load, with all faults in turn.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { environment, node, root, setup } from './setup.mjs'

setup()

const soak = join(root, 'examples', 'object-classification', 'dist', 'soak', 'main.js')
const child = spawn(node, [soak, ...process.argv.slice(2)], { stdio: 'inherit', cwd: root, env: environment })

// Ctrl-C reaches the child by itself (same process group), which stops its world in order.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code) => process.exit(code ?? 1))
