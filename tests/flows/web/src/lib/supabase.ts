import { createClient } from '@supabase/supabase-js'
import type { Database } from './database.types'

const url = import.meta.env.VITE_SUPABASE_URL as string
const key = import.meta.env.VITE_SUPABASE_ANON_KEY as string

export const supabase = createClient<Database>(url, key)

export const TABLES = {
  events: 'events',
  profiles: 'profiles',
} as const

export const EVENT_COLUMNS = 'id, title, starts_at'
