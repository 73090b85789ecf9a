import { describe, expect, it } from 'vitest'
import { readPlace, writePlace } from '../src/route.svelte.ts'
import { playStep, sliderStep, ticksOf, toInstant } from '../src/replay.ts'
import { inOrder, rank } from '../src/threads.ts'
import { urgentKeys } from '../src/shortcuts.ts'
import type { ThreadView } from '../src/model.ts'

describe('the address', () => {
  it('reads back what it writes', () => {
    for (const place of [
      { area: 'threads', item: 'ab'.repeat(32), at: '2017-09-08T07:00:00Z' },
      { area: 'map', item: 'boundary:coalition:border.east', at: null },
      { area: 'timeline', item: null, at: null },
    ] as const) expect(readPlace(writePlace(place))).toEqual(place)
  })
  it('takes anything else for the map, now', () => {
    for (const hash of ['', '#', '#/nowhere', '#/map?at=yesterday', '#token=abc']) expect(readPlace(hash)).toEqual({ area: 'map', item: null, at: null })
  })
})

const thread = (more: Partial<ThreadView>): ThreadView =>
  ({ id: 'a', kind: 'notice', status: 'announced', status_since: '2017-09-08T05:00:00Z', recorded_at: '2017-09-08T05:00:00Z', overdue: false, waiting_for: [], exercise: false, recipients: [], findings: [], ...more }) as ThreadView

describe('the order of threads', () => {
  it('puts what nobody may overlook first', () => {
    const list = [
      thread({ id: 'over', status: 'cancelled' }), thread({ id: 'open' }), thread({ id: 'waits', waiting_for: ['x'] }),
      thread({ id: 'late', waiting_for: ['x'], overdue: true }), thread({ id: 'call', kind: 'danger_call', status: 'calling' }),
    ]
    expect(inOrder(list).map((one) => one.id)).toEqual(['call', 'late', 'waits', 'open', 'over'])
  })
  it('never lets an exercise stand before what is real', () => {
    expect(rank(thread({ kind: 'danger_call', status: 'calling', exercise: true }))).toBeGreaterThan(rank(thread({ status: 'cancelled' })))
  })
})

describe('replay', () => {
  it('goes on in whole minutes and ends at the end', () => {
    const [first, last] = [0, 86_400]
    let at: number | null = first
    let steps = 0
    while (at !== null && steps < 1000) {
      const next: number | null = playStep(at, first, last)
      if (next !== null) expect(next).toBeGreaterThan(at)
      at = next
      steps += 1
    }
    expect(at).toBeNull()
    expect(steps).toBeLessThan(300)
  })
  it('goes by seconds while the record is young', () => {
    expect([sliderStep(0, 30), sliderStep(0, 86_400)]).toEqual([1, 60])
    expect(playStep(5, 0, 30)).toBe(6)
  })
  it('starts over when it is at the end', () => {
    expect(playStep(500, 0, 500)).toBe(0)
  })
  it('marks threads that began within the slider only', () => {
    const first = Date.parse('2017-09-08T04:00:00Z') / 1000
    const ticks = ticksOf([thread({}), thread({ recorded_at: '2017-09-07T00:00:00Z' }), thread({ kind: 'danger_call', recorded_at: '2017-09-08T06:00:00Z' })], first, first + 7200)
    expect(ticks).toEqual([{ x: 0.5, loud: false }, { x: 1, loud: true }])
  })
  it('writes instants the node reads', () => {
    expect(toInstant(1_504_854_000)).toBe('2017-09-08T07:00:00Z')
  })
})

describe('keys', () => {
  const key = (more: object) => ({ key: '', code: '', ctrlKey: false, metaKey: false, altKey: false, repeat: false, target: null, ...more })
  it('go by place on the keyboard, so that they work on an Arabic layout', () => {
    expect(urgentKeys(key({ code: 'KeyD', key: 'ي' }), false)).toBe('danger_call')
    expect(urgentKeys(key({ code: 'KeyC', key: 'c' }), false)).toBe('clear_request')
    expect(urgentKeys(key({ code: 'KeyN', key: 'n' }), false)).toBe('notice')
    expect(urgentKeys(key({ code: 'Slash', key: '؟' }), false)).toBe('help')
  })
  it('never fire while somebody types, holds another key, or has a form open', () => {
    const typing = { closest: (selector: string) => (selector.includes('textarea') ? {} : null) }
    expect(urgentKeys(key({ code: 'KeyD', target: typing }), false)).toBeNull()
    expect(urgentKeys(key({ code: 'KeyD', ctrlKey: true }), false)).toBeNull()
    expect(urgentKeys(key({ code: 'KeyD', repeat: true }), false)).toBeNull()
    expect(urgentKeys(key({ code: 'KeyD' }), true)).toBeNull()
  })
})
