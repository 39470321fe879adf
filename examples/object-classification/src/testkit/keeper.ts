/** Starts a child as the world does, says its process id, and waits: for the test of what happens when it is killed. */
import { startChild } from '../world/child.ts'

const [log = ''] = process.argv.slice(2)
const stay = 'console.log(process.pid); setInterval(() => {}, 1000)'
await startChild({ name: 'stay', args: ['-e', stay], log, onLine: (line) => console.log(line) })
