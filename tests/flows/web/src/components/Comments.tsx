import { useEffect } from 'react'
import { supabase } from '../lib/supabase'

const table = 'comments'

export function Comments({ eventId, me }: { eventId: string; me: string }) {
  useEffect(() => {
    const channel = supabase
      .channel(`comments:${eventId}`)
      .on(
        'postgres_changes',
        { event: 'INSERT', schema: 'public', table, filter: `event_id=eq.${eventId}` },
        (change) => console.log(change),
      )
      .on('postgres_changes', { event: '*', schema: 'public', table: 'registrations' }, () => {}) // planted 3: W0866
      .subscribe()
    return () => {
      supabase.removeChannel(channel)
    }
  }, [eventId])

  const read = () =>
    supabase
      .from(table)
      .select('id, body, author:profiles!comments_author_id_fkey(display_name), ...events(title)')
      .eq('event_id', eventId)
      .order('id')

  const add = async (body: string) => {
    const { error } = await supabase.from(table).insert({ event_id: eventId, author_id: me, body })
    if (error) throw error
  }

  const edit = (id: string, body: string) =>
    supabase.from('comments').update({ body }).eq('id', id) // planted 4: E0868

  return (
    <form onSubmit={() => add('hi').then(read)}>
      <button onClick={() => edit('1', 'two')}>save</button>
    </form>
  )
}
