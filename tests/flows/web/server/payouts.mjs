import { createClient } from '@supabase/supabase-js'

const { SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY } = process.env

function admin() {
  return createClient(SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY, { auth: { persistSession: false } })
}

const visitor = createClient(SUPABASE_URL, process.env.SUPABASE_ANON_KEY)

export async function pay(organizer, amount) {
  await admin().from('payouts').insert({ organizer_id: organizer, amount })
  const { data } = await visitor.from('payouts').select('amount') // planted 12: E0868
  return data
}

export const backup = (name) => admin().from(name).select('*')
