//! `specc flows` on a small front end with twelve planted mistakes, and on what people write otherwise.

#![allow(clippy::disallowed_methods)]

use crate::program::run;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/flows")
}

/// File, line and code of each mistake that a comment of the code announces.
fn planted(dir: &Path) -> BTreeSet<(String, usize, String)> {
    let mut found = BTreeSet::new();
    for entry in walkdir::WalkDir::new(dir).into_iter().filter_map(Result::ok).filter(|e| e.file_type().is_file()) {
        let text = fs::read_to_string(entry.path()).expect("a file");
        let name = entry.path().strip_prefix(dir.parent().expect("a parent")).expect("a path below");
        for (at, line) in text.lines().enumerate() {
            let Some((_, mark)) = line.split_once("// planted ") else { continue };
            let (_, code) = mark.split_once(": ").expect("a number and a code");
            found.insert((name.to_string_lossy().into_owned(), at + 1, code.to_owned()));
        }
    }
    found
}

fn json(dir: &Path, args: &[&str]) -> (i32, serde_json::Value) {
    let (code, out, said) = run(dir, &[args, &["--format", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{said}")))
}

#[test]
fn twelve_planted_mistakes_are_found_and_none_besides() {
    let dir = fixture();
    let planted = planted(&dir.join("web"));
    assert_eq!(planted.len(), 12);
    let (code, found) = json(&dir, &["flows", "web"]);
    let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    let all = found["diagnostics"].as_array().expect("a list");
    let place = |d: &serde_json::Value| {
        let at = &d["labels"][0];
        (text(&at["file"]), at["line"].as_u64().expect("a line") as usize, text(&d["code"]))
    };
    assert_eq!(all.iter().map(place).collect::<BTreeSet<_>>(), planted);
    assert_eq!((code, all.len()), (1, 12));
}

#[test]
fn the_map_says_who_asks_for_what() {
    let (code, map, said) = run(&fixture(), &["flows", "web"]);
    assert_eq!(code, 1);
    insta::assert_snapshot!("map", map);
    insta::assert_snapshot!("said", said);
}

/// Code, and the codes that are found in it. Each piece is a file of its own beside `lib/supabase.ts`.
const FORMS: &[(&str, &str, &[&str])] = &[
    // how a client is made and handed on
    (
        "ts",
        "import { createClient } from '@/lib/server'; const db = await createClient(); db.from('events').select('id, nope')",
        &["E0867"],
    ),
    (
        "ts",
        "export async function f(db: SupabaseClient<Database>) { await db.from('payouts').select('id') }",
        &["E0868"],
    ),
    ("ts", "import { admin } from './lib/server'; admin.from('payouts').select('*')", &[]),
    ("ts", "import * as lib from './lib/server'; lib.admin.from('payouts').delete().eq('idd', 1)", &["E0867"]),
    (
        "ts",
        "class Store { private db = createBrowserClient(a, b); all() { return this.db.from('payouts').select('id') } }\nimport { createBrowserClient } from '@supabase/ssr'",
        &["E0868"],
    ),
    (
        "ts",
        "class Store { constructor(private db: SupabaseClient) {} all() { return this.db.from('payouts').select('id') } }",
        &["E0868"],
    ),
    (
        "js",
        "const { createClient } = require('@supabase/supabase-js'); const c = createClient(u, 'sb_secret_abc'); c.from('payouts').select('id')",
        &[],
    ),
    (
        "js",
        "const s = require('@supabase/supabase-js'); s.createClient(u, 'sb_publishable_abc').from('payouts').select('id')",
        &["E0868"],
    ),
    (
        "ts",
        "import { createClient } from 'npm:@supabase/supabase-js@2'\nDeno.serve(async (req) => { const db = createClient(Deno.env.get('URL'), Deno.env.get('SUPABASE_SERVICE_ROLE_KEY'), { global: { headers: { Authorization: req.headers.get('Authorization')! } } }); return db.from('payouts').select('id') })",
        &["E0868"],
    ),
    (
        "tsx",
        "const C = () => { const supabase = useSupabaseClient(); return <p>{supabase.from('payouts').select('id')}</p> }",
        &["E0868"],
    ),
    (
        "ts",
        "let client: SupabaseClient | null = null\nexport function get() { if (!client) client = createClient(u, k); return client }\nimport { createClient } from '@supabase/supabase-js'\nget().from('eventz').select()",
        &["E0867"],
    ),
    // what is no client
    (
        "ts",
        "Array.from('x').select('a'); Buffer.from('nope'); import knex from 'knex'; knex.from('nope').select('a'); from('x').select('y')",
        &[],
    ),
    ("ts", "import { db } from 'drizzle'; db.select().from('nope'); db.delete('x').from('y'); trpc.rpc('nope')", &[]),
    // texts
    (
        "ts",
        "enum T { Events = 'events', Bad = 'evnts' }\nsupabase.from(T.Events).select('id'); supabase.from(T.Bad).select('id')",
        &["E0867"],
    ),
    (
        "ts",
        "const part = 'id, title'; supabase.from('events').select('capacity, ' + part + `, ${part}, x`)",
        &["E0867"],
    ),
    (
        "ts",
        "const q = { eq: 'nope' } as const; supabase.from('events').select().eq(q['eq'], 1).eq(\"st\\u0061tus\", 2)",
        &["E0867"],
    ),
    (
        "ts",
        "function f(table: string, col: string) { supabase.from(table).select('a'); supabase.from('events').select('id').eq(col, 1) }",
        &[],
    ),
    // columns of all kinds
    (
        "ts",
        "supabase.from('events').select('id, settings->theme, settings->>x, t:title::text, capacity.sum(), count()').order('capacity').is('settings->a', null)",
        &[],
    ),
    ("ts", "supabase.from('events').select('sum:capcity.sum()').not('titel', 'is', null)", &["E0867", "E0867"]),
    (
        "ts",
        "supabase.from('events').select('*, comments(body, author:profiles!author_id(display_name)), ...profiles!organizer_id(bio)').eq('comments.body', 'x').eq('comments.author.bio', 1).order('bio', { referencedTable: 'profiles' }).order('profiles(bio)').not('comments', 'is', null)",
        &[],
    ),
    (
        "ts",
        "supabase.from('events').select('*, comments(body)').eq('comments.bodyy', 'x').eq('profiles.bio', 1).or('a.eq.1,body.eq.2', { referencedTable: 'comments' })",
        &["E0867", "E0869", "E0867"],
    ),
    ("ts", "supabase.from('events').select('profiles(bio)')", &["E0869"]),
    (
        "ts",
        "supabase.from('events').select('profiles!nope(bio)'); supabase.from('payouts').select('comments(id)')",
        &["E0867", "E0867", "E0868"],
    ),
    (
        "ts",
        "supabase.from('registrations').select('note, events(title), profiles(bio)'); supabase.from('profiles').select('id, comments!author_id(id)')",
        &[],
    ),
    (
        "ts",
        "supabase.from('profiles').select('comments!comments_moderator_id_fkey(id, profiles!author_id(email))')",
        &["E0868"],
    ),
    (
        "ts",
        "supabase.from('events').select('id, title('); supabase.from('events').select('id').or('status.eq')",
        &["E0869", "E0869"],
    ),
    // writes
    (
        "ts",
        "supabase.from('comments').insert(rows.map((r) => ({ event_id: r.e, author_id: r.a, boddy: r.b }))).select()",
        &["E0867"],
    ),
    (
        "ts",
        "const base = { body: 'x', event_id: e }; supabase.from('comments').insert([{ ...base, author_id: a, ['id']: 1 }, { ...base, nope: 1 }])",
        &["E0867"],
    ),
    (
        "ts",
        "supabase.from('comments').insert({ body, event_id, author_id }).select('*').single(); supabase.from('comments').delete().eq('id', 1)",
        &["E0868"],
    ),
    (
        "ts",
        "supabase.from('registrations').upsert({ event_id, profile_id }); supabase.from('profiles').upsert({ id, bio })",
        &["E0868", "E0868"],
    ),
    ("ts", "supabase.from('profiles').update({ bio: 1 }).eq('email', x).select('email')", &["E0868", "E0868"]),
    // functions
    (
        "ts",
        "supabase.rpc('cancel_registration', { p_event: 1, p_reason: '' }); supabase.rpc('cancel_registration', args); supabase.rpc('cancel_registratio')",
        &["E0867"],
    ),
    ("ts", "supabase.rpc('cancel_registration'); admin2.rpc('x')", &["E0867"]),
    // schemas
    (
        "ts",
        "supabase.schema('privat').from('x').select('a'); supabase.schema('public').from('events').select('id')",
        &["E0867"],
    ),
    (
        "ts",
        "import { createClient } from '@supabase/supabase-js'; createClient(u, k, { db: { schema: 'nope' } }).from('events').select('id')",
        &["E0867"],
    ),
    ("ts", "supabase.schema('auth').from('users').select('id')", &[]),
    // files and changes
    (
        "ts",
        "supabase.storage.from('avatars').download('x'); supabase.storage.from('avatars').list(); supabase.storage.from(b).remove([])",
        &[],
    ),
    (
        "ts",
        "supabase.channel('c').on('postgres_changes', { event: '*', schema: 'public', table: 'comments', filter: 'evnt=eq.1' }, f).on('presence', { event: 'sync' }, f).subscribe()",
        &["E0867"],
    ),
    (
        "svelte",
        "<script lang=\"ts\">\n  const x = <string>y\n  supabase.from('events').select('nope')\n</script>\n{#each xs as x}<p>{x}</p>{/each}",
        &["E0867"],
    ),
    ("ts", "supabase.from('events').select('id'); const = 1", &["W0865"]),
];

#[test]
fn code_as_people_write_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    for name in ["specc.toml", "community.dbspec"] {
        fs::copy(fixture().join(name), root.join(name)).expect("a copy");
    }
    fs::create_dir_all(root.join("web/lib")).expect("a folder");
    fs::create_dir_all(root.join("web/node_modules/x")).expect("a folder");
    fs::write(root.join("web/node_modules/x/a.ts"), "supabase.from('nope').select()").expect("a file");
    let server = "import { createServerClient } from '@supabase/ssr'\nimport { cookies } from 'next/headers'\n\
        export async function createClient() { const store = await cookies(); return createServerClient(process.env.NEXT_PUBLIC_SUPABASE_URL!, \
        process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!, { cookies: { getAll() { return store.getAll() } } }) }\n\
        const secret = process.env.SUPABASE_SECRET_KEY\nexport const admin = createServerClient(process.env.URL!, secret!, {})\n";
    fs::write(root.join("web/lib/server.ts"), server).expect("a file");
    for (at, (ending, text, _)) in FORMS.iter().enumerate() {
        fs::write(root.join(format!("web/f{at}.{ending}")), text).expect("a file");
    }
    let (_, found) = json(root, &["flows", "web"]);
    let mut wrong = Vec::new();
    for (at, (ending, text, codes)) in FORMS.iter().enumerate() {
        let name = format!("web/f{at}.{ending}");
        let all = found["diagnostics"].as_array().expect("a list").iter();
        let of: Vec<_> = all.filter(|d| d["labels"][0]["file"] == name.as_str()).collect();
        let mut is: Vec<&str> = of.iter().map(|d| d["code"].as_str().expect("a code")).collect();
        let mut wanted = codes.to_vec();
        is.sort_unstable();
        wanted.sort_unstable();
        if is != wanted {
            let said: Vec<_> = of.iter().map(|d| d["message"].as_str().expect("a text")).collect();
            wrong.push(format!("{text}\n  wanted {wanted:?}\n  found {said:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let open = found["open"].as_array().expect("a list").len();
    assert!(open >= 5, "{open} places are not looked into");
}

/// What a view asks of who reads it: every column that its query names, wherever.
#[test]
fn a_view_asks_for_all_that_its_query_reads() {
    let spec = "entity notes {
  id:    uuid  key
  title: text
  owner: uuid
  policy { read: allow select (id, title)  to authenticated }
}
view passed to authenticated as $$ select id, title from notes $$
view filtered to authenticated as $$ select id from notes where owner is not null $$
view past security definer to authenticated as $$ select id, owner from notes $$
view over_it security definer to authenticated as $$ select id from filtered $$
";
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    fs::write(root.join("specc.toml"), "name = \"notes\"\n").expect("a file");
    fs::write(root.join("notes.dbspec"), spec).expect("a file");
    fs::create_dir(root.join("web")).expect("a folder");
    for (view, refused) in
        [("passed", None), ("filtered", Some("notes.owner")), ("past", None), ("over_it", Some("notes.owner"))]
    {
        fs::write(root.join("web/a.ts"), format!("supabase.from('{view}').select('id')")).expect("a file");
        let (code, _, said) = run(root, &["flows", "web", "--role", "authenticated"]);
        match refused {
            None => assert_eq!(code, 0, "{view}: {said}"),
            Some(what) => assert!(code == 1 && said.contains("E0868") && said.contains(what), "{view}: {said}"),
        }
    }
}

#[test]
fn roles_formats_and_exit_codes() {
    let dir = fixture();
    let (code, _, said) = run(&dir, &["flows", "web", "--role", "nobody"]);
    assert!(code == 2 && said.contains("nothing is said of a role `nobody`"), "{said}");
    let (code, _, said) = run(&dir, &["flows", "nowhere"]);
    assert_eq!(code, 2, "{said}");
    // Who is not signed in may less, the service may all.
    let count = |role: &str| {
        let (_, found) = json(&dir, &["flows", "web", "--role", role]);
        found["diagnostics"].as_array().expect("a list").len()
    };
    let [anon, authenticated, service] = ["anon", "authenticated", "service_role"].map(count);
    assert!(anon > 12 && authenticated == 12 && service < 12, "{anon} {authenticated} {service}");
    let (_, sarif, _) = run(&dir, &["flows", "web", "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"].as_array().expect("a list").len(), 12);
    let (code, lines, _) = run(&dir, &["flows", "web", "--format", "github"]);
    assert!(code == 1 && lines.lines().count() == 12 && lines.contains("::error file=web/"), "{lines}");
    assert_eq!(run(&dir, &["flows", "web", "--format", "junit"]).0, 2);
    assert_eq!(run(&dir, &["flows", "web/src/lib"]).0, 0);
}

#[test]
fn what_is_not_looked_into_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    for name in ["specc.toml", "community.dbspec"] {
        fs::copy(fixture().join(name), root.join(name)).expect("a copy");
    }
    fs::create_dir(root.join("web")).expect("a folder");
    fs::write(root.join("web/broken.ts"), "const a = = 1\n").expect("a file");
    fs::write(root.join("web/latin.js"), b"const a = '\xe9'\n").expect("a file");
    fs::write(root.join("web/long.js"), " ".repeat(2_000_001)).expect("a file");
    let (code, _, said) = run(root, &["flows", "web"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!("unread", said);
    assert_eq!(run(root, &["flows", "web", "--deny-warnings"]).0, 1);
}

/// The map is specc's own file: it is written anew, and no file of somebody else is.
#[test]
fn a_map_in_a_file_is_written_anew() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    for name in ["specc.toml", "community.dbspec"] {
        fs::copy(fixture().join(name), root.join(name)).expect("a copy");
    }
    fs::create_dir(root.join("web")).expect("a folder");
    for format in ["text", "json"] {
        let flows = ["flows", "web", "-o", "map", "--format", format];
        fs::write(root.join("map"), "mine\n").expect("a file");
        fs::write(root.join("web/a.ts"), "supabase.from('events').select('id')").expect("a file");
        let (code, out, said) = run(root, &flows);
        assert!(code == 1 && format!("{out}{said}").contains("E0909"), "{out}{said}");
        assert_eq!(fs::read_to_string(root.join("map")).expect("a file"), "mine\n");
        fs::remove_file(root.join("map")).expect("it goes");
        for asked in ["id", "title"] {
            fs::write(root.join("web/a.ts"), format!("supabase.from('events').select('{asked}')")).expect("a file");
            let (code, out, said) = run(root, &flows);
            assert_eq!(code, 0, "{format}: {out}{said}");
            assert!(fs::read_to_string(root.join("map")).expect("a map").contains(asked), "{format}");
        }
        fs::remove_file(root.join("map")).expect("it goes");
    }
}
