/** Makes an empty database in the folder that it is told, and ends: what that takes of memory goes with it. */
import { openFolder } from '../pglite.ts'

const [folder = ''] = process.argv.slice(2)
const database = await openFolder(folder)
await database.close()
