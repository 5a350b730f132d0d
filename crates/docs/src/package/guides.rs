//! Guides: how a program begins to use this project, with code that runs as it stands.

use super::Room;
use super::api::{Example, example, fenced, key};
use crate::book::RoleColumn;
use crate::text;
use specc_types::{Relation, Verb};
use std::fmt::Write;

/// A table that a guide shows something with, and who does it.
struct Shown<'r, 'a> {
    relation: &'r Relation,
    role: &'r RoleColumn<'a>,
    example: Example,
}

/// The first table with which a role does this: of the roles of clients, the signed-in ones first.
fn shown<'r, 'a>(room: &'r Room<'_, 'a>, verb: Verb) -> Option<Shown<'r, 'a>> {
    let roles = room.book.roles_of_pages();
    let mut order: Vec<&RoleColumn<'a>> = roles.iter().filter(|role| role.name == "authenticated").collect();
    order.extend(roles.iter().filter(|role| role.name != "authenticated" && !role.bypasses));
    order.extend(roles.iter().filter(|role| role.bypasses));
    order.into_iter().find_map(|role| {
        room.book.own.iter().find_map(|id| {
            let relation = room.api.relation(&room.book.table(*id))?;
            if role.rights.columns(&relation.name, verb.word()).is_empty() {
                return None;
            }
            Some(Shown { relation, role, example: example(room, relation, role, verb)? })
        })
    })
}

/// The client that all the code of supabase-js starts from.
const CLIENT: &str = r"import { createClient } from '@supabase/supabase-js'
import type { Database } from './database.types'

export const supabase = createClient<Database>(
  process.env.SUPABASE_URL!,
  process.env.SUPABASE_ANON_KEY!,
)";

fn types(out: &mut String) {
    out.push_str("The types of all tables, views and functions, made from the spec:\n\n");
    fenced(out, "sh", "specc types -o database.types.ts");
}

/// `react.md`
pub fn react(room: &Room<'_, '_>) -> String {
    let mut out = format!("# {} in React\n\n", text::plain(&room.book.project));
    types(&mut out);
    out.push_str("One client for the whole program, in `client.ts`:\n\n");
    fenced(&mut out, "ts", CLIENT);
    let Some(read) = shown(room, Verb::Read) else {
        out.push_str("No role reads a table, so there is nothing to show.\n");
        return out;
    };
    let name = &read.relation.name.name;
    let _ = writeln!(
        out,
        "A list of {}, which {} reads: an error is data too, and a row that no rule lets through is not an error but not there.\n",
        text::code(name),
        text::code(&read.role.name)
    );
    let code = format!(
        "import {{ useEffect, useState }} from 'react'
import {{ supabase }} from './client'

export function List() {{
  const [rows, setRows] = useState<object[]>([])
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {{
    const load = async () => {{
      const {{ data, error }} = await {}
      if (error) setProblem(`${{error.code}}: ${{error.message}}`)
      else setRows(data)
    }}
    void load()
  }}, [])
  if (problem) return <p>{{problem}}</p>
  return <pre>{{JSON.stringify(rows, null, 2)}}</pre>
}}",
        read.example.typescript
    );
    fenced(&mut out, "tsx", &code);
    writes(room, &mut out);
    out
}

fn writes(room: &Room<'_, '_>, out: &mut String) {
    let Some(add) = shown(room, Verb::Insert) else { return };
    let _ = writeln!(
        out,
        "A new row of {}, as {}. Without `.select()` the row is not read back, so it is also taken where the role may write but not \
         read it.\n",
        text::code(&add.relation.name.name),
        text::code(&add.role.name)
    );
    let code = format!(
        "import {{ supabase }} from './client'

export async function add() {{
  const {{ error }} = await {}
  if (error?.code === '42501') return 'not allowed'
  if (error) throw new Error(error.message)
  return 'done'
}}",
        add.example.typescript
    );
    fenced(out, "ts", &code);
    out.push_str("What each request may be answered with stands in the [API](api/README.md).\n");
}

/// `nextjs.md`
pub fn nextjs(room: &Room<'_, '_>) -> String {
    let mut out = format!("# {} in Next.js\n\n", text::plain(&room.book.project));
    types(&mut out);
    out.push_str(
        "On the server each request has a client of its own, with the token of who asks, so that the rules decide for that person and not \
         for the server. In `server.ts`:\n\n",
    );
    fenced(
        &mut out,
        "ts",
        "import { createClient } from '@supabase/supabase-js'
import type { Database } from './database.types'

export function clientOf(token: string) {
  return createClient<Database>(process.env.SUPABASE_URL!, process.env.SUPABASE_ANON_KEY!, {
    global: { headers: { Authorization: `Bearer ${token}` } },
    auth: { persistSession: false },
  })
}",
    );
    if let Some(read) = shown(room, Verb::Read) {
        let _ = writeln!(
            out,
            "A route that gives {} as {} sees them, in `app/list/route.ts`:\n",
            text::code(&read.relation.name.name),
            text::code(&read.role.name)
        );
        let code = format!(
            "import {{ clientOf }} from '../../server'

export async function GET(request: Request): Promise<Response> {{
  const supabase = clientOf((request.headers.get('authorization') ?? '').replace('Bearer ', ''))
  const {{ data, error }} = await {}
  if (error) return Response.json({{ code: error.code }}, {{ status: 400 }})
  return Response.json(data)
}}",
            read.example.typescript
        );
        fenced(&mut out, "ts", &code);
    }
    let _ = writeln!(
        out,
        "The key of `service_role` is for jobs of the server alone: no rule holds for it. {} says what it may do. Never give its name \
         the prefix `NEXT_PUBLIC_`, which puts it into every browser.",
        room.link("Its page", "roles/service_role.md")
    );
    out
}

/// What the structs and the code of the guide need.
const CRATES: &str = r#"[dependencies]
chrono = { version = "0.4", features = ["serde"] }
rust_decimal = { version = "1", features = ["serde"] }
serde = { version = "1", features = ["derive"] }
serde_json = "1"
sqlx = { version = "0.8", features = ["chrono", "derive", "json", "postgres", "runtime-tokio", "rust_decimal", "uuid"] }
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
uuid = { version = "1", features = ["serde"] }"#;

/// `sqlx.md`
pub fn sqlx(room: &Room<'_, '_>) -> String {
    let mut out = format!("# {} with sqlx\n\n", text::plain(&room.book.project));
    out.push_str("Structs for the rows of all tables, made from the spec:\n\n");
    fenced(&mut out, "sh", "specc types --lang rust -o src/database.rs");
    out.push_str("The crates in `Cargo.toml`:\n\n");
    fenced(&mut out, "toml", CRATES);
    let Some(read) = shown(room, Verb::Read) else {
        out.push_str("No role reads a table, so there is nothing to show.\n");
        return out;
    };
    let table = specc_sql::quote::qualified(&read.relation.name.schema, &read.relation.name.name);
    let asking = asking(room);
    let (how, role) = match read.role.is_named {
        true => {
            let role = format!("set local role {}", specc_sql::quote::ident(&read.role.name));
            let line = format!("    sqlx::query({}).execute(&mut *tx).await?;\n", rust(&role));
            ("takes that person's role first, for one transaction", line)
        }
        false => ("connects as another role, and says in each transaction who asks", String::new()),
    };
    let _ = writeln!(
        out,
        "The owner of the tables and a superuser are bound by no rule, so a program that acts for a person {how}. How many rows of {} {} \
         sees:\n",
        text::code(&read.relation.name.name),
        text::code(&read.role.name)
    );
    let query = format!("select count(*) from {table}");
    let code = format!(
        "pub async fn count(pool: &sqlx::PgPool, who: &str) -> Result<i64, sqlx::Error> {{
    let mut tx = pool.begin().await?;
{role}    sqlx::query(\"select set_config($1, $2, true)\")
        .bind({})
        .bind(who)
        .execute(&mut *tx)
        .await?;
    let rows: i64 = sqlx::query_scalar({}).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(rows)
}}",
        rust(asking.setting),
        rust(&query)
    );
    fenced(&mut out, "rust", &code);
    out.push_str(match asking.key {
        Some(_) => "`who` is the key of who asks, as text.\n",
        None => "`who` is the claims as JSON, as a token has them: `{\"sub\": \"…\", \"role\": \"…\"}`.\n",
    });
    out
}

/// How a session says who is asking.
struct Asking<'r> {
    setting: &'r str,
    /// A key of the viewer's entity as a literal of SQL, where the setting has that; else it has claims.
    key: Option<String>,
}

fn asking<'r>(room: &Room<'r, '_>) -> Asking<'r> {
    let (book, options) = (room.book, &room.book.model.options);
    if book.is_supabase() {
        return Asking { setting: "request.jwt.claims", key: None };
    }
    let Some(viewer) = book.model.viewer else { return Asking { setting: &options.claims_setting, key: None } };
    let relation = room.api.relation(&book.table(viewer));
    let example = relation.and_then(|relation| {
        let column = key(room, relation).into_iter().next()?;
        room.api.example(relation, column)
    });
    let key = example.map_or_else(|| "1".to_owned(), |example| example.sql);
    let key = if key.starts_with('\'') { key } else { specc_sql::quote::literal(&key) };
    Asking { setting: &options.viewer_setting, key: Some(key) }
}

/// A text as Rust writes it.
fn rust(value: &str) -> String {
    format!("{value:?}")
}

/// `psql.md`
pub fn psql(room: &Room<'_, '_>) -> String {
    let book = room.book;
    let mut out = format!("# {} in psql\n\n", text::plain(&book.project));
    out.push_str(
        "What a role sees and may do is tried in one transaction that is rolled back: take the role, say who is asking, ask. Nothing \
         stays.\n\n",
    );
    if !book.roles_of_pages().iter().any(|role| role.is_named) {
        out.push_str(
            "The spec names no role: connect as any that is neither a superuser nor the owner of the tables.\n\n",
        );
    }
    let asking = asking(room);
    for role in book.roles_of_pages() {
        let Some((relation, example)) = book.own.iter().find_map(|id| {
            let relation = room.api.relation(&book.table(*id))?;
            let reads = !role.rights.columns(&relation.name, "select").is_empty();
            Some((relation, example(room, relation, role, Verb::Read)?)).filter(|_| reads)
        }) else {
            continue;
        };
        let _ = writeln!(out, "{} of {}:\n", text::code(&role.name), text::code(&relation.name.name));
        let claims = || {
            let known = role.is_named.then(|| format!(", \"role\": {}", specc_types::json_text(&role.name)));
            let known = known.unwrap_or_default();
            let claims = format!("{{\"sub\": \"00000000-0000-4000-8000-000000000001\"{known}}}");
            specc_sql::quote::literal(&claims)
        };
        let taken = match role.is_named {
            true => format!("set local role {};\n", specc_sql::quote::ident(&role.name)),
            false => String::new(),
        };
        let code = format!(
            "begin;\n{taken}select set_config({}, {}, true);\n{}\nrollback;",
            specc_sql::quote::literal(asking.setting),
            asking.key.clone().unwrap_or_else(claims),
            example.sql
        );
        fenced(&mut out, "sql", &code);
    }
    let _ = writeln!(
        out,
        "`specc why` answers the same without a server: which rule lets the row through, and what would turn the answer. {} has the \
         rules.",
        room.link("Access", "access.md")
    );
    out
}
