import { useEffect, useState } from 'react'
import { EVENT_COLUMNS, TABLES, supabase } from '@/lib/supabase'

type Filter = { status?: string; after?: string; mine?: string }

export function useEvents(filter: Filter) {
  const [events, setEvents] = useState<unknown[]>([])

  useEffect(() => {
    let query = supabase
      .from(TABLES.events)
      .select(`${EVENT_COLUMNS}, organizer:profiles!organizer_id(id, display_name)`)
      .order('starts_at', { ascending: true })
    if (filter.status) query = query.eq('status', filter.status)
    if (filter.after) query = query.gte('begins_at', filter.after) // planted 1: E0867
    if (filter.mine) {
      query = query.or(`organizer_id.eq.${filter.mine},status.eq.published`)
    }
    query.then(({ data }) => setEvents(data ?? []))
  }, [filter])

  return events
}

export async function dashboard(id: string) {
  const [event, comments] = await Promise.all([
    supabase.from('events').select('title, settings->theme->>colour, registrations(count)').eq('id', id).single(),
    supabase
      .from('comments')
      .select('id, body, profiles(display_name)') // planted 2: E0869
      .eq('event_id', id),
  ])
  return { event, comments }
}
