/** The order of the list of threads, and the words that go with each. */

import type { ThreadView } from './model.ts'

const OVER = new Set(['cancelled', 'ended', 'given_back', 'expired', 'closed', 'declined', 'refused', 'filed', 'consented', 'accepted', 'resumed'])

export function isOver(thread: ThreadView): boolean {
  return OVER.has(thread.status)
}

/** What nobody may overlook comes first: calls not taken, then what is overdue, then what waits, then the newest. */
export function rank(thread: ThreadView): number {
  if (thread.exercise) return 5
  if (thread.kind === 'danger_call' && thread.status === 'calling') return 0
  if (isOver(thread)) return 4
  if (thread.overdue) return 1
  if (thread.waiting_for.length > 0) return 2
  return 3
}

export function inOrder(threads: readonly ThreadView[]): ThreadView[] {
  return [...threads].sort((a, b) => rank(a) - rank(b) || Date.parse(b.status_since) - Date.parse(a.status_since) || (a.id < b.id ? -1 : 1))
}

/** Hops of a matter, in order; a read-back belongs to notices only, an answer to what asks for one. */
export function hopsOf(thread: ThreadView): string[] {
  const rest = ['acknowledged', 'passed', 'crew_briefed', 'crew_acknowledged']
  if (thread.kind === 'notice') return ['delivered', 'opened', 'read_back', ...rest]
  if (thread.kind === 'clear_request') return ['delivered', 'opened', 'answer', ...rest]
  if (thread.kind === 'proposal') return ['delivered', 'opened', 'answer']
  return ['delivered', 'opened', 'acknowledged']
}
