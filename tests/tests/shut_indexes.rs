//! `W0619` says which indexes row level security keeps out of use: just those that a planner without another way leaves aside.

#![allow(clippy::unwrap_used)]

use specc_postgres::{as_user, platform};
use specc_tests::{Rows, VERSIONS, findings, project};
use std::fmt::Write;

/// Type of a column, its index, and what is asked of `c`.
const INDEXES: [(&str, &str, &str); 21] = [
    ("uuid", "(c)", "c = gen_random_uuid_of_nobody"),
    ("text", "(c)", "c = 'x'"),
    ("varchar(9)", "(c)", "c = 'x'"),
    ("date", "(c)", "c = current_date"),
    ("timestamptz", "(c)", "c > current_timestamp"),
    ("boolean", "(c)", "c = true"),
    ("citext", "(c)", "c = 'x'::public.citext"),
    ("kind", "(c)", "c = 'b'"),
    ("kind", "(c) using hash", "c = 'b'"),
    ("code", "(c)", "c = 'x'"),
    ("interval", "(c)", "c = interval '1 day'"),
    ("int[]", "(c)", "c = '{1}'"),
    ("int[]", "(c) using gin", "c @> '{1}'"),
    ("jsonb", "(c) using gin", "c @> '{}'"),
    ("jsonb", "(c jsonb_path_ops) using gin", "c @> '{\"a\": 1}'"),
    ("tstzrange", "(c) using gist", "c && tstzrange(now(), null)"),
    ("text", "(c gin_trgm_ops) using gin", "c like '%abc%'"),
    ("text", "(lower(c))", "lower(c) = 'x'"),
    ("kind", "(owner_id, c)", "c = 'b'"),
    ("timestamptz", "(c) using brin", "c = current_timestamp"),
    ("inet", "(c)", "c = '10.0.0.1'"),
];

/// A table for each index; those of `open` are shown whole to whoever is signed in.
fn spec(open: bool) -> String {
    let mut text =
        "extension citext\nextension pg_trgm\nviewer -> auth.users\nenum kind { a, b }\ndomain code: text\n".to_owned();
    for (at, (ty, index, _)) in INDEXES.iter().enumerate() {
        let when = if open { "" } else { "when owner_id = viewer" };
        write!(
            text,
            "entity t{at} {{\n id: bigint identity key\n owner_id -> auth.users\n c: {ty}\n index {index}\n
             policy {{ own: allow select to authenticated {when} }}\n}}\n",
        )
        .unwrap();
    }
    text
}

#[test]
fn what_is_said_to_be_shut_is_what_postgres_leaves_aside() {
    for open in [false, true] {
        let text = spec(open);
        let said: Vec<String> = findings(&text).into_iter().filter(|(c, _)| c == "W0619").map(|(_, m)| m).collect();
        let shut = |at: usize| said.iter().any(|message| message.contains(&format!("`t{at}`")));
        let built = project(&text);
        for major in VERSIONS {
            let db = built.database(major, Rows::Base);
            let mut owner = db.connect().unwrap();
            for (at, (ty, index, asked)) in INDEXES.iter().enumerate() {
                owner.batch_execute(&format!("drop index if exists public.t{at}_owner_id_idx")).unwrap();
                let asked = asked.replace("gen_random_uuid_of_nobody", "'00000000-0000-0000-0000-000000000001'");
                let claims = platform::claims("00000000-0000-0000-0000-000000000002");
                let plan: Vec<String> = as_user(&mut owner, "authenticated", &claims, |tx| {
                    tx.batch_execute("set local enable_seqscan = off")?;
                    let rows = tx.query(&format!("explain select id from public.t{at} where {asked}"), &[])?;
                    Ok(rows.iter().map(|row| row.get(0)).collect())
                })
                .unwrap();
                let plan = plan.join("\n");
                let looked_up = plan.lines().any(|line| line.contains("Index Cond"));
                assert_eq!(shut(at), !looked_up, "{major}: `{ty}` {index}, open: {open}\n{plan}\n{said:?}");
            }
        }
    }
}
