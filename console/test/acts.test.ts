import { describe, expect, it } from 'vitest'
import examples from './acts.json'
import { buildAct, fieldOf, FORMS, form, openDraft, speaksOf } from '../src/act/forms.ts'
import type { Draft } from '../src/act/fields.ts'
import { offered } from '../src/act/offered.ts'
import { namedPoints } from '../src/act/positions.ts'
import type { ThreadView } from '../src/model.ts'

const RE = 'ab'.repeat(32)
type Example = { form: string; typed: Draft; act: Record<string, unknown> }
const cases = examples as unknown as Example[]

function built(id: string, typed: Draft, start: Record<string, unknown> | null = null): ReturnType<typeof buildAct> {
  return buildAct(form(id), { ...openDraft(form(id), start), ...typed }, form(id).about ? RE : null, start)
}
const problems = (id: string, typed: Draft): Record<string, string> => {
  const result = built(id, typed)
  return 'problems' in result ? Object.fromEntries(result.problems.map((one) => [one.field, one.problem])) : {}
}

describe('forms', () => {
  it('has an example for every form', () => {
    expect(cases.map((one) => one.form).sort()).toEqual(FORMS.map((one) => one.id).sort())
  })
  it.each(cases.map((one) => [one.form, one] as const))('says %s as the node takes it', (_, example) => {
    expect(built(example.form, example.typed)).toEqual({ act: example.act })
  })
  it.each(FORMS.filter((one) => one.fields.some((field) => !field.optional && field.initial === undefined)).map((one) => one.id))('%s: an empty form names what is missing', (id) => {
    const found = problems(id, {})
    const needed = form(id).fields.filter((field) => !field.optional && field.initial === undefined && (!field.when || field.when(openDraft(form(id), null))))
    for (const field of needed) {
      if (field.kind === 'rows' && !field.least) continue
      expect(Object.keys(found).some((name) => name === field.name || name.startsWith(field.name)), field.name).toBe(true)
    }
  })
})

describe('what a form speaks of', () => {
  it('is the version in force for read-backs and receipts, and the matter for all else', () => {
    const corrected = { id: RE, version: 'cd'.repeat(32) }
    for (const one of FORMS.filter((each) => each.about)) {
      expect(speaksOf(one, corrected), one.id).toBe(['read_back', 'receipt'].includes(one.act) ? corrected.version : corrected.id)
    }
  })
})

describe('what is typed is refused, not repaired', () => {
  const readBack = { grid: '37SDU882603', 'window.starts_at': '2017-09-08 05:00', 'window.ends_at': '2017-09-08 15:00', 'band.lower_wgs84_m': '0', 'band.upper_wgs84_m': '900' }
  it('takes a right one', () => {
    expect(problems('read_back', readBack)).toEqual({})
  })
  it.each([
    ['grid', 'Sukhna', 'grid', 'problem.grid'],
    ['window.starts_at', '05:00', 'window.starts_at', 'problem.instant'],
    ['window.ends_at', '2017-09-08 04:00', 'window.ends_at', 'problem.order'],
    ['window.ends_at', '', 'window.ends_at', 'problem.missing'],
    ['band.upper_wgs84_m', '-1', 'band.upper_wgs84_m', 'problem.order'],
    ['band.upper_wgs84_m', '40001', 'band.upper_wgs84_m', 'problem.height'],
    ['band.lower_wgs84_m', 'ground', 'band.lower_wgs84_m', 'problem.height'],
  ])('%s = %s', (name, typed, field, problem) => {
    expect(problems('read_back', { ...readBack, [name]: typed })).toEqual({ [field]: problem })
  })
  it('opens a read-back empty, whatever is known of the notice', () => {
    expect(openDraft(form('read_back'), null)).toEqual({})
  })
  it('names the row that is wrong', () => {
    const rows = [{ asset: 'drone.1', status: 'left' }, { asset: 'Drone 2', status: 'gone' }]
    expect(problems('done', { reported_clear_at: '2017-09-08 06:44', residual: rows })).toEqual({
      'residual[1].asset': 'problem.id', 'residual[1].status': 'problem.choice',
    })
  })
  it('wants conditions as words in a language', () => {
    expect(problems('answer', { reply: 'with_conditions', conditions: 'x', 'conditions.lang': 'English' })).toEqual({ 'conditions.lang': 'problem.language' })
  })
  it('takes a moment only with its zone', () => {
    const found = built('statement', { ...cases.find((one) => one.form === 'statement')?.typed, 'published.value': '2017-09-09 00:00', 'published.zone': '' })
    expect(found).toEqual({ problems: [{ field: 'published.zone', problem: 'problem.zone' }] })
  })
})

describe('what an act starts from', () => {
  const known = [{ asset: 'drone.1', status: 'left', left_at: '2017-09-08T06:12:00Z', evidence: ['c'.repeat(64)], synthetic: true }, { asset: 'drone.2', status: 'inside', evidence: ['d'.repeat(64)] }]
  const start = { residual: known, evidence: ['c'.repeat(64)] }
  it('shows the residual the node worked out, and keeps its evidence where nothing was changed', () => {
    const draft = openDraft(form('done'), start)
    expect(draft['residual']).toEqual([{ asset: 'drone.1', status: 'left', left_at: '2017-09-08 06:12Z' }, { asset: 'drone.2', status: 'inside' }])
    const rows = draft['residual'] as Draft[]
    rows[1] = { ...rows[1], status: 'unknown' }
    const result = buildAct(form('done'), { ...draft, reported_clear_at: '2017-09-08 06:44', residual: rows }, RE, start)
    expect(result).toEqual({ act: {
      act: 'done', re: RE, reported_clear_at: '2017-09-08T06:44:00Z', evidence: ['c'.repeat(64)],
      residual: [known[0], { asset: 'drone.2', status: 'unknown' }],
    } })
  })
  it('corrects a plan without losing what the form does not show', () => {
    const plan = { ...(cases.find((one) => one.form === 'notice')?.act['plan'] as object), assets: ['bus.1'], basis: { kind: 'reported' } }
    const draft = { ...openDraft(form('correction'), { plan }), reason: 'Late start' }
    expect(buildAct(form('correction'), draft, RE, { plan })).toEqual({ act: { act: 'correction', re: RE, plan, reason: { text: 'Late start', lang: 'en' } } })
  })
  it('drops the way of a plan that became an area', () => {
    const example = cases.find((one) => one.form === 'notice')
    const typed = { ...example?.typed, 'plan.kind': 'closure', 'plan.volumes': [{ 'volume.area.shape': 'circle', 'volume.area.centre': '34.8, 39.3', 'volume.area.radius_m': '1000', 'volume.band.lower_wgs84_m': '0', 'volume.band.upper_wgs84_m': '10', 'volume.window.starts_at': '2017-09-08 05:00', 'volume.window.ends_at': '2017-09-08 06:00' }] }
    const result = built('notice', typed)
    const plan = 'act' in result ? (result.act['plan'] as Record<string, unknown>) : {}
    expect(plan['trajectory']).toBeUndefined()
    expect(plan['volumes']).toHaveLength(1)
  })
})

describe('positions to be named', () => {
  it('are the first and the last of a movement', () => {
    const rows = ['34.1, 38.1', '34.2, 38.2', '34.3, 38.3'].map((position) => ({ position }))
    expect(namedPoints({ 'plan.kind': 'ground_movement', 'plan.trajectory.waypoints': rows })).toEqual([[34.1, 38.1], [34.3, 38.3]])
    expect(namedPoints({ 'plan.kind': 'ground_movement', 'plan.trajectory.waypoints': [{ position: 'x' }, { position: '1, 2' }] })).toEqual([])
  })
  it('are the middle of a circle and two corners of a polygon', () => {
    expect(namedPoints({ 'volume.area.centre': '34.8, 39.3' })).toEqual([[34.8, 39.3]])
    expect(namedPoints({ 'volume.area.shape': 'polygon', 'volume.area.vertices': '1, 1\n1, 2\n2, 2\n2, 1' })).toEqual([[1, 1], [2, 2]])
  })
})

it('finds the field an error of the node belongs to', () => {
  expect(fieldOf('said.act.plan.window.ends_at')).toBe('plan.window.ends_at')
  expect(fieldOf('act.grid')).toBe('grid')
  expect(fieldOf('grid')).toBe('grid')
})

describe('acts offered', () => {
  const thread = (more: Partial<ThreadView>): ThreadView => ({ id: RE, version: RE, kind: 'notice', status: 'announced', author: 'russia', recipients: [], taken_by: null, ...more }) as ThreadView
  const told = (more: object) => [{ party: 'coalition', received: false, hops: [], answer: null, ...more }] as unknown as ThreadView['recipients']
  it('acknowledge a notice only after it was read back rightly', () => {
    expect(offered(thread({ recipients: told({}) }), 'coalition')).not.toContain('receipt.acknowledged')
    expect(offered(thread({ recipients: told({ received: true }) }), 'coalition')).toContain('receipt.acknowledged')
  })
  it('brief one crew after another, also when one was briefed before', () => {
    const hops = [{ hop: 'crew_briefed', version: RE }] as never
    expect(offered(thread({ recipients: told({ hops }) }), 'coalition')).toContain('receipt.crew_briefed')
  })
  it('give airspace back also when its time is over', () => {
    expect(offered(thread({ kind: 'clear_request', status: 'expired' }), 'russia')).toEqual(['give_back', 'remark'])
    expect(offered(thread({ kind: 'clear_request', status: 'given_back' }), 'russia')).toEqual(['remark'])
  })
  it('puts the read-back first for who must read back, and never before the author', () => {
    const notice = thread({ recipients: told({}) })
    expect(offered(notice, 'coalition')[0]).toBe('read_back')
    expect(offered(notice, 'russia')).toEqual(['correction', 'cancel', 'remark'])
    expect(offered(notice, 'bystander')).toEqual(['remark'])
  })
  it('does not offer a hop that was said', () => {
    const hops = [{ hop: 'opened', version: RE }] as never
    expect(offered(thread({ recipients: told({ hops }) }), 'coalition')).not.toContain('receipt.opened')
    expect(offered(thread({ version: 'cd'.repeat(32), recipients: told({ hops }) }), 'coalition')).toContain('receipt.opened')
  })
  it('offers done only to who answered, and not to who cannot', () => {
    const request = (answer: string | null): string[] => offered(thread({ kind: 'clear_request', status: 'waiting', recipients: told({ answer }) }), 'coalition')
    expect(request(null)).not.toContain('done')
    expect(request('cannot')).not.toContain('done')
    expect(request('will_comply')[0]).toBe('done')
  })
  it('offers nothing but a remark once it is over', () => {
    for (const status of ['cancelled', 'ended', 'given_back', 'expired']) expect(offered(thread({ status, recipients: told({}) }), 'coalition')).toEqual(['remark'])
  })
})
