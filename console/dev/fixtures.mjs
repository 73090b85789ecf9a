// A small, made-up state of a node in the shapes of its real answers: enough of everything to draw every view.
// Figures and texts are loosely those of the 2017 story; nothing here is evidence of anything.

import { createHash } from 'node:crypto'

const id = (text) => createHash('sha256').update(text).digest('hex')
const name = (en, ar) => ({ en, ar })
const SYNTHETIC = { kind: 'synthetic', certainty: null, note: name('Positions between two reports', 'مواقع بين تقريرين'), sources: [] }
const ASSUMED = { kind: 'assumed', note: name('Height and time of the clearing were never published', 'لم يُنشر ارتفاع الإخلاء ولا وقته') }
const REPORTED = { kind: 'reported', certainty: 'reported', sources: ['centcom-0908'] }

export const NOW = '2017-09-08T09:30:00Z'

const party = (key, en, ar, node, hosted) => ({ id: key, name: name(en, ar), node, hosted, fingerprint: 'harbour olive seven lantern' })
export const parties = [
  party('coalition', 'Coalition air operations', 'عمليات التحالف الجوية', 'coalition.node', true),
  party('russia', 'Russian coordination cell', 'خلية التنسيق الروسية', 'russia.node', false),
  party('convoy', 'Convoy team', 'فريق القافلة', 'desk.node', true),
  party('ground', 'Ground forces', 'القوات البرية', 'desk.node', false),
]

const member = (key, state, since, watch, staffed = true) => ({
  party: key, state, since, last_heard_at: since, last_answer_s: 22, on_watch: watch, staffed,
})
export const lines = [
  {
    id: 'line.east', name: name('Eastern desert line', 'خط البادية الشرقية'), state: 'up', since: '2017-09-08T02:10:00Z',
    members: [member('coalition', 'up', '2017-09-08T02:10:00Z', ['duty officer']), member('russia', 'up', '2017-09-08T02:11:00Z', ['ضابط المناوبة'])],
    suspended_by: [], last_check_at: '2017-09-08T09:15:00Z', median_answer_s: 41, checks: 31, answered: 29,
    fallback: name('Telephone, desk to desk', 'الهاتف، من مكتب إلى مكتب'),
  },
  {
    id: 'line.convoy', name: name('Convoy line', 'خط القافلة'), state: 'suspended', since: '2017-09-08T08:00:00Z',
    members: [member('coalition', 'up', '2017-09-08T02:10:00Z', ['duty officer']), member('convoy', 'suspended', '2017-09-08T08:00:00Z', [], false)],
    suspended_by: ['convoy'], last_check_at: '2017-09-08T07:45:00Z', median_answer_s: 120, checks: 12, answered: 7, fallback: null,
  },
  {
    id: 'line.ground', name: name('Ground movement line', 'خط الحركة البرية'), state: 'unchecked', since: null,
    members: [member('ground', 'unchecked', null, [], null), member('coalition', 'unchecked', null, [])],
    suspended_by: [], last_check_at: null, median_answer_s: null, checks: 0, answered: 0, fallback: null,
  },
  { id: 'own.coalition.node', name: name('Own log', 'السجل الخاص'), state: 'own', since: null, members: [], suspended_by: [], last_check_at: null, median_answer_s: null, checks: 0, answered: 0, fallback: null },
]

const SUKHNA = { grid: '37SDU882603', nearest: name('Sukhna', 'السخنة'), bearing_deg: 0, distance_m: 0 }
const DEIR = { grid: '37SFV500120', nearest: name('Deir ez-Zor', 'دير الزور'), bearing_deg: 225.4, distance_m: 3800 }
const plan = {
  id: 'move.08sep', kind: 'ground_movement', name: name('Movement toward Deir ez-Zor', 'حركة نحو دير الزور'),
  window: { starts_at: '2017-09-08T05:00:00Z', ends_at: '2017-09-09T15:00:00Z' },
  band: { lower_wgs84_m: 0, upper_wgs84_m: 900 },
  trajectory: {
    waypoints: [
      { at: '2017-09-08T05:00:00Z', lat_deg: 34.8853, lon_deg: 38.8711, place: 'sukhna' },
      { at: '2017-09-08T07:00:00Z', lat_deg: 34.86, lon_deg: 39.3 },
      { at: '2017-09-08T18:00:00Z', lat_deg: 34.97, lon_deg: 39.58 },
      { at: '2017-09-09T15:00:00Z', lat_deg: 35.31, lon_deg: 40.11 },
    ],
    buffer_m: 4000, late_s: 7200,
  },
  names: [SUKHNA, DEIR], group: 'ground.column', basis: REPORTED,
}
const volume = {
  area: { shape: 'circle', centre: [34.8, 39.35], radius_m: 30000 },
  band: { lower_wgs84_m: 0, upper_wgs84_m: 7600 },
  window: { starts_at: '2017-09-08T06:30:00Z', ends_at: '2017-09-08T12:00:00Z' },
}

let index = 0
const acts = []
function act(key, author, line, at, said, thread = null, role = 'duty officer') {
  const view = {
    id: id(key), index, recorded_at: at, said_at: at, line, author, said: { role, act: said }, thread: thread ? id(thread) : null, without_effect: null,
  }
  index += 1
  acts.push(view)
  return view
}
const T = (text) => `2017-09-08T${text}Z`

act('check1', 'coalition', 'line.east', '2017-09-07T18:00:00Z', { act: 'line_check' })
act('check1a', 'russia', 'line.east', '2017-09-07T18:00:41Z', { act: 'line_check_answer', re: id('check1') })
act('notice', 'russia', 'line.east', T('03:40:00'), { act: 'notice', to: ['coalition'], plan, urgency: 'priority', words: { text: 'ستمر القوات عبر البادية باتجاه دير الزور صباح 8 أيلول (المرحلة الأولى).', lang: 'ar' } }, 'notice', 'ضابط المناوبة')
act('notice-del', 'coalition.node', 'line.east', T('03:40:02'), { act: 'receipt', re: id('notice'), hop: 'delivered' }, 'notice', 'node')
act('notice-open', 'coalition', 'line.east', T('03:43:10'), { act: 'receipt', re: id('notice'), hop: 'opened' }, 'notice')
act('read1', 'coalition', 'line.east', T('03:49:00'), { act: 'read_back', re: id('notice'), grid: '37SDU882693', window: plan.window, band: plan.band }, 'notice')
act('clear', 'russia', 'line.east', T('05:20:00'), {
  act: 'clear_request', to: ['coalition'], volume, names: [{ grid: '37SEU329511', nearest: name('Sukhna', 'السخنة'), bearing_deg: 101.3, distance_m: 44700 }],
  why: { text: 'قوات برية تمر قرب الحافلات المتوقفة', lang: 'ar' }, answer_by: T('05:50:00'), urgency: 'immediate', plan: 'move.08sep', basis: ASSUMED,
}, 'clear', 'ضابط المناوبة')
act('clear-del', 'coalition.node', 'line.east', T('05:20:01'), { act: 'receipt', re: id('clear'), hop: 'delivered' }, 'clear', 'node')
act('answer', 'coalition', 'line.east', T('05:47:00'), { act: 'answer', re: id('clear'), reply: 'with_conditions', conditions: { text: 'Surveillance aircraft leave in turn; the last needs until 06:40Z.', lang: 'en' } }, 'clear')
act('passed', 'coalition', 'line.east', T('05:52:00'), { act: 'receipt', re: id('clear'), hop: 'passed', echelon: 'air tasking cell' }, 'clear')
act('done', 'coalition', 'line.east', T('06:45:00'), {
  act: 'done', re: id('clear'), reported_clear_at: T('06:44:00'),
  residual: [
    { asset: 'drone.1', status: 'left', left_at: T('06:12:00'), last_seen_at: T('06:12:00') },
    { asset: 'drone.2', status: 'inside', left_at: T('06:38:00'), last_seen_at: T('06:38:00') },
    { asset: 'aircraft.1', status: 'unknown', last_seen_at: T('05:55:00') },
  ],
}, 'clear')
act('danger', 'convoy', 'line.convoy', T('09:21:00'), { act: 'danger_call', to: ['coalition'], words: { text: 'إطلاق نار على بعد 2 كم من الحافلات، بيننا نساء وأطفال.', lang: 'ar' }, names: { grid: '37SEU366453', nearest: name('Sukhna', 'السخنة'), bearing_deg: 107, distance_m: 50600 } }, 'danger', 'رئيس القافلة')
act('proposal', 'coalition', 'line.east', '2017-09-07T20:00:00Z', { act: 'proposal', to: ['russia'], topic: 'women.children', words: { text: 'Separate women and children from the buses and take them out.', lang: 'en' }, answer_by: T('08:00:00') }, 'proposal')
act('resp', 'coalition', 'line.east', T('08:50:00'), { act: 'responsibility_assertion', group: 'convoy.east', holder: 'Syrian government', words: { text: 'The advance past the convoy underlines continued responsibility for the buses.', lang: 'en' } }, 'resp', 'spokesperson')
act('statement', 'coalition', 'line.east', T('09:00:00'), { act: 'statement', id: 'aja.0909', topic: 'c_time', title: 'التحالف: أوقفنا مراقبة قافلة تنظيم الدولة بطلب روسي', publisher: name('Al Jazeera Arabic', 'الجزيرة نت'), published: { text: '2017-09-09', precision: 'day', value: '2017-09-09T00:00:00Z', zone: 'UTC+3' }, claims: [] }, 'statement', 'press desk')
act('finding', 'coalition.node', 'own.coalition.node', T('07:05:00'), { act: 'finding', finding: { kind: 'encounter', key: 'encounter.1', subjects: ['ground.column', 'convoy.east'], since: T('06:41:00'), until: T('07:22:00'), values: { nearest_m: 2400, duration_s: 2460, lat_deg: 34.82, lon_deg: 39.31 }, synthetic: true } }, null, 'node')
for (let n = 0; n < 40; n += 1) {
  act(`pos${n}`, 'convoy', 'line.convoy', new Date(Date.parse('2017-09-07T19:00:00Z') + n * 900_000).toISOString().replace('.000Z', 'Z'), { act: 'positions', tracks: [{ asset: `bus.${(n % 11) + 1}`, kind: 'bus', sensor: 'tracker', fixes: [{}], basis: SYNTHETIC }] })
}
acts.sort((a, b) => Date.parse(a.recorded_at) - Date.parse(b.recorded_at))
acts.forEach((one, at) => { one.index = at })

const recipient = (key, state, more) => ({ party: key, state, received: false, hops: [], differences: [], answer: null, answered_at: null, answer_s: null, missing_hop: null, missing_since: null, ...more })
const hop = (kind, at, more = {}) => ({ hop: kind, said_at: at, recorded_at: at, act: id(kind + at), echelon: null, crew: null, ...more })
const thread = (key, kind, status, more) => {
  const mine = acts.filter((one) => one.thread === id(key))
  const opener = mine[0]
  return {
    id: id(key), kind, status, status_since: mine.at(-1).recorded_at, line: opener.line, author: opener.author, opened_at: opener.said_at,
    recorded_at: opener.recorded_at, exercise: false, urgency: null, title: null, words: null, waiting_for: [], waiting_since: null, due_at: null,
    overdue: false, escalated_to: [], taken_by: null, taken_on_roster: null, recipients: [], plan: null, volume: null, basis: null, intents: [], acts: mine, findings: [], ...more,
  }
}

export const threads = [
  thread('notice', 'notice', 'announced', {
    urgency: 'priority', title: plan.name, plan, words: 'ستمر القوات عبر البادية باتجاه دير الزور صباح 8 أيلول (المرحلة الأولى).',
    waiting_for: ['coalition'], waiting_since: T('03:40:02'),
    recipients: [recipient('coalition', 'read_back_wrong', {
      hops: [hop('delivered', T('03:40:02')), hop('opened', T('03:43:10'))],
      differences: [{ field: 'grid', expected: '37SDU882603', said: '37SDU882693' }], missing_hop: 'read_back', missing_since: T('03:43:10'),
    })],
    findings: [{ kind: 'read_back_wrong', key: 'rb.1', subjects: ['coalition'], since: T('03:49:00'), thread: id('notice'), values: { distance_m: 9000 } }],
  }),
  thread('clear', 'clear_request', 'reported_clear', {
    urgency: 'immediate', words: 'قوات برية تمر قرب الحافلات المتوقفة', volume, basis: ASSUMED, due_at: T('05:50:00'),
    intents: [
      { plan: 'intent.2f8343be-6482-4d1b-a474-16847e01af1e', thread: id('clear'), party: 'coalition', service: 'uss1.example', state: 'changed', since: T('05:31:00'), act: id('clear'), told_at: T('05:20:02') },
      { plan: 'intent.78ea3fe8-71c2-4f5c-9b44-9c02f5563c6f', thread: id('clear'), party: 'coalition', service: 'uss2.example', state: 'inside', since: T('05:20:00'), act: id('clear') },
    ],
    recipients: [recipient('coalition', 'passed', {
      received: true, hops: [hop('delivered', T('05:20:01')), hop('passed', T('05:52:00'), { echelon: 'air tasking cell' })],
      answer: 'with_conditions', answered_at: T('05:47:00'), answer_s: 1620, missing_hop: 'crew_briefed', missing_since: T('05:52:00'),
    })],
    findings: [
      { kind: 'affected', key: 'aff.1', subjects: ['drone.1', 'drone.2', 'aircraft.1'], since: T('05:20:00'), thread: id('clear'), values: { count: 3 }, synthetic: true },
      { kind: 'residual', key: 'res.1', subjects: ['drone.1', 'drone.2', 'aircraft.1'], since: T('06:30:00'), thread: id('clear'), values: { 'drone.1': 'left', 'drone.2': 'inside', 'aircraft.1': 'unknown' }, evidence: [id('pos1')], synthetic: true },
    ],
  }),
  thread('danger', 'danger_call', 'calling', {
    urgency: 'immediate', words: 'إطلاق نار على بعد 2 كم من الحافلات، بيننا نساء وأطفال.', waiting_for: ['coalition'], waiting_since: T('09:21:00'), due_at: T('09:23:00'), overdue: true,
    escalated_to: ['shift lead'], recipients: [recipient('coalition', 'delivered', { hops: [hop('delivered', T('09:21:01'))], missing_hop: 'opened', missing_since: T('09:21:01') })],
  }),
  thread('proposal', 'proposal', 'waiting', {
    words: 'Separate women and children from the buses and take them out.', waiting_for: ['russia'], waiting_since: '2017-09-07T20:00:00Z', due_at: T('08:00:00'), overdue: true,
    recipients: [recipient('russia', 'delivered', { hops: [hop('delivered', '2017-09-07T20:00:02Z')], missing_hop: 'answer', missing_since: '2017-09-07T20:00:02Z' })],
  }),
  thread('resp', 'responsibility', 'asserted', { words: 'The advance past the convoy underlines continued responsibility for the buses.' }),
  thread('statement', 'statement', 'filed', { words: 'التحالف: أوقفنا مراقبة قافلة تنظيم الدولة بطلب روسي' }),
]

const bus = (n, lat, lon) => ({
  asset: `bus.${n}`, kind: 'bus', sensor: 'tracker', at: T('08:45:00'), age_s: 2700, lat_deg: lat, lon_deg: lon, uncertainty_m: 1500, alt_wgs84_m: null,
  reported_by: 'convoy', basis: SYNTHETIC, trail: [[lat + 0.05, lon - 0.08], [lat + 0.02, lon - 0.03]],
})
const asset = (key, kind, sensor, at, lat, lon, more) => ({
  asset: key, kind, sensor, at, age_s: (Date.parse(NOW) - Date.parse(at)) / 1000, lat_deg: lat, lon_deg: lon, uncertainty_m: 300, alt_wgs84_m: null,
  reported_by: 'coalition', basis: { kind: 'declared', certainty: null, note: null, sources: [] }, trail: [], ...more,
})

export const picture = {
  at: NOW, party: 'coalition', size: acts.length,
  places: [
    { id: 'sukhna', name: name('Sukhna', 'السخنة'), position: { lat_deg: 34.8853, lon_deg: 38.8711, uncertainty_m: 2000 } },
    { id: 'palmyra', name: name('Palmyra (Tadmur)', 'تدمر (بالميرا)'), position: { lat_deg: 34.5624, lon_deg: 38.284, uncertainty_m: 2000 } },
    { id: 'deir.ez.zor', name: name('Deir ez-Zor', 'دير الزور'), position: { lat_deg: 35.3359, lon_deg: 40.1408, uncertainty_m: 3000 } },
    { id: 'mayadin', name: name('Mayadin', 'الميادين'), position: { lat_deg: 35.0187, lon_deg: 40.4505, uncertainty_m: 2000 } },
    { id: 'bukamal', name: name('Abu Kamal', 'البوكمال'), position: { lat_deg: 34.4506, lon_deg: 40.9171, uncertainty_m: 2000 } },
    { id: 'stall.area', name: name('Stall area', 'منطقة التوقف'), position: { lat_deg: 34.75, lon_deg: 39.4, uncertainty_m: 45000 }, is_area: true },
  ],
  plans: [[id('notice'), plan]],
  clearings: [[id('clear'), 'reported_clear', volume, ASSUMED]],
  assets: [
    ...Array.from({ length: 11 }, (_, n) => bus(n + 1, 34.752 + (n % 4) * 0.004, 39.4 + Math.floor(n / 4) * 0.005)),
    asset('drone.1', 'drone', 'tracker', T('09:10:00'), 34.6, 38.7, { alt_wgs84_m: 5200, trail: [[34.8, 39.3], [34.7, 39.0]] }),
    asset('drone.2', 'drone', 'tracker', T('06:38:00'), 34.63, 39.05, { alt_wgs84_m: 4800, trail: [[34.78, 39.38]] }),
    asset('aircraft.1', 'aircraft', 'adsb', T('05:55:00'), 34.95, 39.8, { alt_wgs84_m: null }),
    asset('column.lead', 'ground_force', 'aircraft', T('07:05:00'), 34.85, 39.32, { uncertainty_m: 4000, trail: [[34.8853, 38.8711]] }),
  ],
  groups: [
    {
      id: 'convoy.east', name: name('Eastern part of the convoy', 'الجزء الشرقي من القافلة'), declared_by: 'convoy', members: Array.from({ length: 11 }, (_, n) => [`bus.${n + 1}`, 'bus']),
      headcounts: [
        { head_class: 'people', count: null, as_of: T('00:00:00') },
        { head_class: 'civilians', count: 200, as_of: '2017-09-07T12:00:00Z', basis: REPORTED },
        { head_class: 'fighters', count: 200, as_of: '2017-09-07T12:00:00Z', basis: { kind: 'reported', certainty: 'disputed', sources: ['aja-0909'] } },
      ],
      state: 'waiting', since: '2017-09-02T06:00:00Z', waits_for: 'leg_blocked', plan: 'move.08sep', chainage_m: 402000, route_m: 610000, off_route_m: 1200, late_s: 520000, split_from: 'convoy.all', basis: SYNTHETIC,
    },
    { id: 'ground.column', name: name('Ground column', 'الرتل البري'), declared_by: 'ground', members: [['column.lead', 'ground_force']], headcounts: [], state: 'moving', since: T('05:10:00'), waits_for: null, plan: 'move.08sep', chainage_m: 41000, route_m: 130000, off_route_m: 0, late_s: 0, split_from: null, basis: REPORTED },
    { id: 'convoy.west', name: name('Western part of the convoy', 'الجزء الغربي من القافلة'), declared_by: 'convoy', members: [['bus.12', 'bus'], ['bus.13', 'bus']], headcounts: [], state: 'unknown', since: null, waits_for: null, plan: null, chainage_m: null, route_m: null, off_route_m: null, late_s: null, split_from: 'convoy.all', basis: null },
  ],
  coverage: [
    { party: 'coalition', act: id('cov1'), span: { sensor: 'aircraft', state: 'declared_gap', area: { shape: 'circle', centre: [34.8, 39.35], radius_m: 38000 }, area_name: name('Around the buses', 'حول الحافلات'), window: { starts_at: T('06:40:00'), ends_at: '2017-09-13T00:00:00Z' }, group: 'convoy.east' } },
    { party: 'coalition', act: id('cov2'), span: { sensor: 'aircraft', state: 'watched', area: { shape: 'polygon', vertices: [[34.1, 39.2], [34.4, 39.2], [34.4, 40.2], [34.1, 40.2]] }, area_name: name('South of T2', 'جنوب المحطة الثانية T2'), window: { starts_at: T('00:00:00'), ends_at: T('18:00:00') } } },
  ],
  boundaries: [
    { party: 'coalition', boundary: { id: 'border.east', name: name('Eastern border', 'الحدود الشرقية'), vertices: [[34.0, 40.7], [34.43, 41.0], [34.8, 41.25], [35.6, 41.36]], uncertainty_m: 3000, approach_m: 20000 } },
    { party: 'russia', boundary: { id: 'border.east', name: name('Eastern border', 'الحدود الشرقية'), vertices: [[34.0, 40.74], [34.43, 41.05], [34.8, 41.29], [35.6, 41.4]], uncertainty_m: 3000, approach_m: 10000 } },
  ],
  held: [{ group: 'convoy.east', holder: null, since: null, offers: [], assertions: [id('resp')] }],
  nearness: [{ group: 'convoy.east', party: 'coalition', boundary: 'border.east', nearest_m: 104000, nearest_low_m: 58000, nearest_at: T('06:00:00'), approaching: false, synthetic: true, reach_s: null, crossed_at: null }],
  findings: [
    { kind: 'encounter', key: 'encounter.1', subjects: ['ground.column', 'convoy.east'], since: T('06:41:00'), until: T('07:22:00'), values: { nearest_m: 2400, duration_s: 2460, lat_deg: 34.82, lon_deg: 39.34 }, synthetic: true },
    { kind: 'waiting', key: 'waiting.1', subjects: ['convoy.east'], since: '2017-09-02T06:00:00Z', values: {} },
  ],
}

const claim = (key, speaker, side, words, lang, said, more = {}) => ({ id: key, speaker, side, said, words, lang, verbatim: false, sources: ['aja-0909'], figure: null, about: null, ...more })
export const statements = [
  {
    act: id('statement'), id: 'aja.0909', topic: 'c_time', title: 'التحالف: أوقفنا مراقبة قافلة تنظيم الدولة بطلب روسي', publisher: name('Al Jazeera Arabic', 'الجزيرة نت'), filed_by: 'coalition',
    published: { text: '9/9/2017', precision: 'day', value: '2017-09-09T00:00:00Z', zone: 'UTC+3' },
    claims: [
      { claim: claim('k1', 'spokesperson', 'coalition', 'Pro-regime forces advanced past the convoy at about 07:00 GMT (10:00 local).', 'en', { text: '07:00 GMT', precision: 'minute', value: T('07:00:00'), zone: 'GMT' }), judgement: { claim: 'k1', verdict: 'consistent', reason: 'at_that_time', values: { nearest_at: T('07:01:00'), nearest_m: 2400 }, entries: [id('finding'), id('clear')], marks: [] } },
      { claim: claim('k2', 'صحيفة', 'press', 'تقدّمت القوات في الساعة 7 من صباح الجمعة (دون ذكر المنطقة الزمنية).', 'ar', { text: 'الساعة 7 صباحاً', precision: 'hour', value: null }), judgement: { claim: 'k2', verdict: 'cannot_tell', reason: 'time_without_zone', values: {}, entries: [], marks: ['time_without_zone'] } },
      { claim: claim('k6', 'spokesperson', 'coalition', 'About 85 fighters were struck near the convoy.', 'en', { text: '4 September', precision: 'day', value: '2017-09-04T00:00:00Z', zone: 'UTC+3' }, { figure: { value: 85, unit: 'people', definition: 'struck', approximate: true } }), judgement: { claim: 'k6', verdict: 'not_supported', reason: 'record_keeps_no_count', values: {}, entries: [], marks: ['same_figure_reused'] } },
      { claim: claim('k9', 'مسؤول', 'russia', 'Все воздушные суда покинули район до прохода.', 'ru', { text: 'утром 8 сентября', precision: 'vague', value: null }, { verbatim: true }), judgement: { claim: 'k9', verdict: 'contradicted', reason: 'some_left_after', values: { asset: 'drone.2', left_at: T('06:38:00') }, entries: [id('done')], marks: [] } },
    ],
  },
]

export { acts }
