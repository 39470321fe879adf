/** All labs, by number. */
import { badImages } from './bad-images.ts'
import { coldStart } from './cold-start.ts'
import { cutLink } from './cut-link.ts'
import { errors } from './errors.ts'
import { lostContext } from './lost-context.ts'
import { memoryPressure } from './memory-pressure.ts'
import { poisonMessage } from './poison-message.ts'
import { retryStorm } from './retry-storm.ts'
import { saturatedQueue } from './saturated-queue.ts'
import { serviceDown } from './service-down.ts'
import { skewedClock } from './skewed-clock.ts'
import { slowConsumer } from './slow-consumer.ts'
import { slowLink } from './slow-link.ts'
import { slowModel } from './slow-model.ts'
import { wrongName } from './wrong-name.ts'
import type { Lab } from './lab.ts'

export const LABS: readonly Lab[] = [
  slowModel,
  errors,
  lostContext,
  retryStorm,
  skewedClock,
  slowLink,
  saturatedQueue,
  coldStart,
  serviceDown,
  wrongName,
  badImages,
  poisonMessage,
  slowConsumer,
  cutLink,
  memoryPressure,
]
