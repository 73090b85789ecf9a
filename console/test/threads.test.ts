import { describe, expect, it } from 'vitest'
import type { ActView, HopView, RecipientView, ThreadView } from '../src/model.ts'
import { crewsOf, hopsOf, inOrder, stepOf, stillMissing } from '../src/threads.ts'

const NOTICE = 'a'.repeat(64)
const CORRECTION = 'b'.repeat(64)
const at = (time: string): string => `2017-09-08T${time}:00Z`

function hop(name: HopView['hop'], time: string, crew: string | null = null, version = NOTICE): HopView {
  return { hop: name, version, said_at: at(time), recorded_at: at(time), act: 'c'.repeat(64), echelon: name === 'passed' ? 'drone cell' : null, crew }
}
function told(more: Partial<RecipientView>): RecipientView {
  return {
    party: 'coalition', state: 'opened', received: false, hops: [], differences: [], answer: null, answered_at: null, answer_s: null,
    missing_hop: null, missing_since: null, ...more,
  }
}
function matter(one: RecipientView, more: Partial<ThreadView> = {}): ThreadView {
  return {
    id: NOTICE, version: NOTICE, kind: 'notice', status: 'announced', author: 'russia', opened_at: at('05:00'), waiting_for: [], waiting_since: null,
    recipients: [one], acts: [], findings: [], ...more,
  } as unknown as ThreadView
}
const states = (thread: ThreadView, one: RecipientView): Record<string, string[]> =>
  Object.fromEntries(crewsOf(thread, one).map(({ crew, steps }) => [crew, steps.map((step) => step.state)]))

describe('crews', () => {
  const one = told({
    missing_hop: 'crew_acknowledged', missing_since: at('05:48'),
    hops: [
      hop('crew_briefed', '05:30', 'drone-1'), hop('crew_acknowledged', '05:33', 'drone-1'), hop('crew_briefed', '05:36', 'drone-2'),
      hop('crew_acknowledged', '05:41', 'drone-2'), hop('crew_briefed', '05:48', 'drone-3'),
    ],
  })
  it.each(['announced', 'ended', 'cancelled'])('each stands for itself: a crew that never acknowledged is missing (%s)', (status) => {
    const thread = matter(one, { status })
    expect(states(thread, one)).toEqual({ 'drone-1': ['done', 'done'], 'drone-2': ['done', 'done'], 'drone-3': ['done', 'missing'] })
    const [briefed, acknowledged] = crewsOf(thread, one)[2]?.steps ?? []
    expect([briefed?.at, acknowledged?.at, acknowledged?.since]).toEqual([at('05:48'), null, at('05:48')])
  })
  it('are not told by the steps of the party as a whole', () => {
    expect(hopsOf(matter(one))).not.toContain('crew_acknowledged')
  })
  it('briefed on an older version are not briefed on this one', () => {
    expect(crewsOf(matter(one, { version: CORRECTION }), one)).toEqual([])
  })
  it('that acknowledged and were never briefed have no time of briefing', () => {
    const early = told({ hops: [hop('crew_acknowledged', '05:33', 'drone-1')] })
    expect(states(matter(early), early)).toEqual({ 'drone-1': ['open', 'done'] })
    const missing = told({ ...early, missing_hop: 'crew_briefed', missing_since: at('05:24') })
    expect(states(matter(missing), missing)).toEqual({ 'drone-1': ['missing', 'done'] })
  })
})

describe('steps of a party', () => {
  it.each(['announced', 'ended'])('the missing one says since when, also after its time (%s)', (status) => {
    const one = told({ hops: [hop('delivered', '05:00')], missing_hop: 'opened', missing_since: at('05:00') })
    const thread = matter(one, { status })
    expect(hopsOf(thread).map((name) => stepOf(thread, one, name).state)).toEqual(['done', 'missing', 'open', 'open', 'open'])
    expect(stepOf(thread, one, 'opened').since).toBe(at('05:00'))
  })
  it('said of an older version do not count for this one', () => {
    const one = told({ hops: [hop('acknowledged', '05:10')] })
    expect(stepOf(matter(one), one, 'acknowledged').state).toBe('done')
    expect(stepOf(matter(one, { version: CORRECTION }), one, 'acknowledged').state).toBe('open')
  })
  it('a read-back is wrong only where it differs', () => {
    const read = (re: string): ActView => ({ author: 'coalition', recorded_at: at('05:05'), said: { role: 'x', act: { act: 'read_back', re } } }) as unknown as ActView
    const right = told({ received: true })
    const wrong = told({ differences: [{ field: 'grid', expected: 'x', said: 'y' }] })
    expect(stepOf(matter(right, { acts: [read(NOTICE)] }), right, 'read_back').state).toBe('done')
    expect(stepOf(matter(wrong, { acts: [read(NOTICE)] }), wrong, 'read_back').state).toBe('wrong')
    const stale = told({ missing_hop: 'read_back', missing_since: at('06:00') })
    expect(stepOf(matter(stale, { acts: [read(NOTICE)], version: CORRECTION }), stale, 'read_back').state).toBe('missing')
  })
  it('an answer that never came is missing, also when the time of the request is over', () => {
    const one = told({})
    for (const [status, state] of [['waiting', 'missing'], ['expired', 'missing'], ['cancelled', 'open']]) {
      expect(stepOf(matter(one, { kind: 'clear_request', status: status as string }), one, 'answer').state, status).toBe(state)
    }
    const given = told({ answered_at: at('05:20') })
    expect(stepOf(matter(given, { kind: 'clear_request' }), given, 'answer').state).toBe('done')
  })
})

it('the list names a step only where the node noticed it missing, and it still is', () => {
  const one = told({ missing_hop: 'opened', missing_since: at('05:00') })
  const findings = [{ kind: 'hop_missing' }] as never
  expect(stillMissing(matter(one))).toEqual([])
  expect(stillMissing(matter(one, { findings }))).toEqual(['opened'])
  expect(stillMissing(matter(told({}), { findings }))).toEqual([])
})

it('of what is over, that comes first in which something is still missing', () => {
  const one = (id: string, more: Partial<ThreadView>): ThreadView => matter(told({}), { id, status_since: at('05:00'), ...more } as never)
  const lacking = told({ missing_hop: 'opened', missing_since: at('05:00') })
  const list = [
    one('a.filed', { kind: 'statement', status: 'filed' }),
    one('b.exercise', { exercise: true }),
    one('c.ended', { status: 'ended' }),
    one('d.ended', { status: 'ended', recipients: [lacking], findings: [{ kind: 'hop_missing', until: at('06:00') }] as never }),
    one('e.expired', { kind: 'clear_request', status: 'expired', findings: [{ kind: 'not_given_back' }] as never }),
    one('f.open', {}),
    one('g.overdue', { overdue: true }),
    one('h.calling', { kind: 'danger_call', status: 'calling' }),
  ]
  expect(inOrder(list).map((thread) => thread.id)).toEqual(['h.calling', 'g.overdue', 'f.open', 'd.ended', 'e.expired', 'a.filed', 'c.ended', 'b.exercise'])
})
