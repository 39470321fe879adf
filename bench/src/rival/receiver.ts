/**
 * The rival of the receivers: grpc-js and protobufjs, which decodes what comes and drops it. Its own process; says
 * the address that it listens on.
 */
import { say } from '../process/child.ts'
import { serveTraces } from './service.ts'

say({ grpc: await serveTraces(() => Promise.resolve()) })
