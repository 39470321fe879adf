import { describe, expect, it } from 'vitest'
import { routeMiddle, routePath } from './route-path.ts'

const point = (x: number, y: number) => ({ x, y })

describe('routePath', () => {
  it('is a line between two points, and a curve through the middles between more', () => {
    expect(routePath([point(0, 0), point(0, 10)])).toBe('M0,0 L0,10')
    expect(routePath([point(0, 0), point(4, 5), point(0, 10)])).toBe('M0,0 Q4,5 0,10')
    expect(routePath([point(0, 0), point(4, 4), point(4, 8), point(0, 12)])).toBe('M0,0 Q4,4 4,6 Q4,8 0,12')
  })

  it('is nothing for nothing', () => {
    expect(routePath([])).toBe('')
  })
})

describe('routeMiddle', () => {
  it('lies on the line, and on the curve', () => {
    expect(routeMiddle([point(0, 0), point(4, 8)])).toEqual(point(2, 4))
    expect(routeMiddle([point(0, 0), point(4, 4), point(0, 8)])).toEqual(point(2, 4))
    expect(routeMiddle([point(0, 0), point(4, 4), point(4, 8), point(4, 12), point(0, 16)])).toEqual(point(4, 8))
  })
})
