/** Which acts are offered to a party on a thread: a convenience of the page. The node decides by its own rules. */

import type { ThreadView } from '../model.ts'

const OVER = new Set(['cancelled', 'ended', 'given_back', 'expired', 'closed', 'declined', 'accepted', 'refused'])
const OWN_HOPS = ['receipt.opened', 'receipt.acknowledged']
const HOPS = [...OWN_HOPS, 'receipt.passed', 'receipt.crew_briefed', 'receipt.crew_acknowledged']
/** Said once for each echelon or crew, so offered again. */
const AGAIN = ['receipt.passed', 'receipt.crew_briefed', 'receipt.crew_acknowledged']

/** Ids of forms, most likely next one first. */
export function offered(thread: ThreadView, party: string): string[] {
  const mine = thread.author === party
  const recipient = thread.recipients.find((one) => one.party === party)
  const open = !OVER.has(thread.status)
  const out: string[] = []
  const hops = (of: readonly string[] = HOPS): string[] => of.filter((id) => AGAIN.includes(id) || !recipient?.hops.some((said) => said.version === thread.version && `receipt.${said.hop}` === id))
  switch (thread.kind) {
    case 'notice':
      // No notice is acknowledged before it is read back rightly.
      if (recipient && open) out.push(...(recipient.received ? hops() : ['read_back', ...hops().filter((id) => id !== 'receipt.acknowledged')]))
      if (mine && open) out.push('correction', 'cancel')
      break
    case 'clear_request':
      if (recipient && open) {
        if (!recipient.answer) out.push('answer')
        else if (recipient.answer !== 'cannot' && thread.status !== 'reported_clear') out.push('done')
        out.push(...hops())
        if (recipient.answer) out.push('answer')
      }
      if (mine && (open || thread.status === 'expired')) out.push('give_back')
      if (mine && open) out.push('cancel')
      break
    case 'proposal':
      if (recipient && open) out.push('answer', ...hops(OWN_HOPS))
      if (mine && open) out.push('cancel')
      break
    case 'danger_call':
      if (recipient && open && !thread.taken_by) out.push('take')
      if (open && (mine || recipient)) out.push('close')
      if (recipient && open) out.push(...hops())
      break
    case 'agreement':
      out.push('consent')
      break
    case 'responsibility':
      if (thread.status === 'offered' && recipient) out.push('responsibility_answer')
      break
    case 'statement':
    case 'leg_blocked':
    case 'line':
      break
  }
  return [...out, 'remark']
}
