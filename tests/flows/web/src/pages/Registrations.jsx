import { supabase as db } from '../lib/supabase.ts'

const registrations = () => db.from('registrations')

export async function cancel(event) {
  await db.rpc('cancel_registration', { p_event: event })
  return db.rpc('cancel_registration', { event_id: event }) // planted 9: E0867
}

export async function register(event, me) {
  await registrations().upsert({ event_id: event, profile_id: me }, { onConflict: 'event_id,profile_id' })
  await registrations().upsert(
    [{ event_id: event, profile_id: me, note: 'again' }],
    { onConflict: 'profile_id' }, // planted 10: E0869
  )
}

export function Registrations({ items }) {
  return (
    <ul>
      {items.map((item) => (
        <li key={item.id} onClick={() => cancel(item.event_id)}>
          {Array.from(item.tags).join(' < ')} &amp; more
        </li>
      ))}
    </ul>
  )
}
