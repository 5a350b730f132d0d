import { supabase } from '../lib/supabase'
import { TABLES } from '../lib/supabase'

const COLUMNS = ['id', 'display_name', 'bio'].join(', ')

export async function load(id: string) {
  return supabase.from(TABLES.profiles).select(COLUMNS).match({ id }).maybeSingle()
}

export async function everything() {
  return supabase.from(TABLES.profiles).select('*') // planted 5: E0868
}

export function Profile({ id, file }: { id: string; file: File }) {
  const save = async (display_name: string) => {
    const changes = { display_name, bio: '' }
    await supabase.from('profiles').update(changes).eq('id', id)
  }

  const rename = (email: string) =>
    supabase
      .from('profiles')
      .update({
        email, // planted 6: E0868
      })
      .eq('id', id)

  const upload = async () => {
    const files = supabase.storage.from('avatars')
    await files.upload(`${id}/me.png`, file, { upsert: true })
    await files.remove([`${id}/old.png`]) // planted 7: E0868
    return supabase.storage.from('avatar').getPublicUrl(`${id}/me.png`) // planted 8: E0867
  }

  return <a onClick={() => save('me').then(upload).then(() => rename('x'))}>{id}</a>
}
