/** A sign and a tone for every state, so that no state is told by colour alone. */

export type Tone = 'held' | 'waiting' | 'alarm' | 'quiet' | 'made-up' | 'plain'
export type Sign =
  | 'check' | 'cross' | 'clock' | 'warn' | 'ring' | 'dash' | 'pause' | 'question' | 'alarm' | 'up' | 'wand' | 'move' | 'lost'
  | 'people' | 'flask'

export const PATHS: Record<Sign, string> = {
  check: 'M3.5 8.5l3 3 6-7',
  cross: 'M4 4l8 8M12 4l-8 8',
  clock: 'M8 2.2a5.8 5.8 0 1 0 .01 0M8 4.8V8l2.3 1.6',
  warn: 'M8 2.2L14.4 13.4H1.6zM8 6.2v3.6M8 11.4v.6',
  ring: 'M8 3a5 5 0 1 0 .01 0',
  dash: 'M3.5 8h9',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  question: 'M5.6 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.2.9-1.2 1.7M8 12v.6',
  alarm: 'M8 2v7.2M8 12v1.2M3 4.2L1.6 2.8M13 4.2l1.4-1.4',
  up: 'M2.5 12.5v-2M6.2 12.5v-4M9.9 12.5v-6M13.5 12.5v-9',
  wand: 'M3 13L10 6M11.5 2v2.4M14 4.5h-2.4M5 2.6v1.8M5.9 3.5H4.1M13.2 9v1.8M14.1 9.9h-1.8',
  move: 'M2.5 8h10M9 4.5L12.5 8 9 11.5',
  lost: 'M3 3l10 10M8 3a5 5 0 0 1 4.6 7M4 5a5 5 0 0 0 6.6 7.3',
  people: 'M5.5 7.2a2 2 0 1 0-.01 0M2 13c0-2.4 1.5-4 3.5-4S9 10.6 9 13M10.8 7.5a1.7 1.7 0 1 0-.01 0M11 9.4c1.8.1 3 1.5 3 3.6',
  flask: 'M6 2.5h4M6.8 2.5v4L3.2 13h9.6L9.2 6.5v-4',
}

const STATUS: Record<string, [Tone, Sign]> = {
  announced: ['waiting', 'ring'],
  received: ['held', 'check'],
  waiting: ['waiting', 'clock'],
  answered: ['held', 'check'],
  reported_clear: ['held', 'check'],
  calling: ['alarm', 'alarm'],
  taken: ['waiting', 'people'],
  closed: ['quiet', 'dash'],
  cancelled: ['quiet', 'dash'],
  ended: ['quiet', 'dash'],
  given_back: ['quiet', 'dash'],
  expired: ['waiting', 'clock'],
  refused: ['alarm', 'cross'],
  stated: ['plain', 'ring'],
  consented: ['held', 'check'],
  offered: ['waiting', 'ring'],
  accepted: ['held', 'check'],
  declined: ['alarm', 'cross'],
  asserted: ['waiting', 'question'],
  filed: ['plain', 'dash'],
  reported: ['waiting', 'warn'],
  suspended: ['waiting', 'pause'],
  resumed: ['held', 'check'],
}
const LINE: Record<string, [Tone, Sign]> = {
  up: ['held', 'up'],
  unchecked: ['waiting', 'question'],
  down: ['alarm', 'cross'],
  suspended: ['waiting', 'pause'],
  own: ['quiet', 'dash'],
}
const GROUP: Record<string, [Tone, Sign]> = {
  moving: ['held', 'move'],
  halted: ['waiting', 'pause'],
  waiting: ['alarm', 'clock'],
  lost_contact: ['alarm', 'lost'],
  unknown: ['plain', 'question'],
  split: ['waiting', 'people'],
}
const VERDICT: Record<string, [Tone, Sign]> = {
  consistent: ['held', 'check'],
  contradicted: ['alarm', 'cross'],
  not_supported: ['waiting', 'ring'],
  cannot_tell: ['plain', 'question'],
}
const INSIDE: Record<string, [Tone, Sign]> = {
  inside: ['alarm', 'warn'],
  left: ['held', 'check'],
  outside: ['held', 'check'],
  unknown: ['waiting', 'question'],
}
const INTENT: Record<string, [Tone, Sign]> = {
  inside: ['alarm', 'warn'],
  changed: ['held', 'check'],
  ended: ['held', 'check'],
  unknown: ['waiting', 'question'],
}
const COVERAGE: Record<string, [Tone, Sign]> = {
  watched: ['held', 'check'],
  declared_gap: ['waiting', 'dash'],
  unknown: ['plain', 'question'],
}
const REPLY: Record<string, [Tone, Sign]> = {
  will_comply: ['held', 'check'],
  with_conditions: ['waiting', 'check'],
  cannot: ['alarm', 'cross'],
  not_understood: ['waiting', 'question'],
  counter_proposal: ['waiting', 'ring'],
}
const FAMILIES: Record<string, Record<string, [Tone, Sign]>> = {
  status: STATUS, line: LINE, group: GROUP, verdict: VERDICT, inside: INSIDE, intent: INTENT, coverage: COVERAGE, reply: REPLY,
}

export function signOf(family: string, code: string): [Tone, Sign] {
  // A thread's status comes with its kind: "notice.received".
  return FAMILIES[family]?.[code.slice(code.indexOf('.') + 1)] ?? ['plain', 'ring']
}
