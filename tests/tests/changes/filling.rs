//! What others see and write while a migration fills rows: after each file the answer is that of the old state or of the
//! new one, and here both are the same.

use crate::changes::all;
use crate::changes::given::{Given, compile};
use crate::changes::run::{printed, script};
use specc_diff::diff;
use specc_migrate::{Arena, ChangeOptions, plan_change};
use specc_model::Target;
use specc_postgres::postgres::error::SqlState;
use specc_postgres::{Session, load_sql, shared};
use specc_sql::Transaction;

/// What a query gives after so many writes; none where it is refused.
type Answer = fn(usize) -> Option<String>;

/// A change, who writes meanwhile, and what is asked. `ROLE` is the role, `#` the number of the write.
struct Probe {
    name: &'static str,
    before: &'static str,
    after: &'static str,
    rows: &'static str,
    /// What who does not know of the change writes before each file.
    write: &'static str,
    /// As the role.
    asks: &'static [(&'static str, Answer)],
}

const NOTHING: Answer = |_| Some("0".into());
const ALL: Answer = |writes| Some((writes + 1).to_string());
const ONE: Answer = |_| Some("1".into());
const REFUSED: Answer = |_| None;

const WRITE: &str = "insert into docs (id, title) values (10 + #, 'open');
insert into docs (id, title, hidden) values (100 + #, 'secret', true), (200 + #, 'opened', false);
update docs set hidden = true, title = 'turned secret' where id = 200 + #";

const PROBES: &[Probe] = &[
    Probe {
        name: "restrictive",
        before: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 policy { see: allow select to ROLE when id > 0
  h: forbid select when hidden } }",
        after: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 level: int backfill (case when hidden then 2 else 0 end)
 policy { see: allow select to ROLE when id > 0
  h: forbid select when level = 2 } }",
        rows: "insert into docs values (1, 'open', false), (2, 'secret', true)",
        write: WRITE,
        asks: &[
            ("select count(*) from docs where title like '%secret'", NOTHING),
            ("select count(*) from docs where title = 'open'", ALL),
        ],
    },
    Probe {
        name: "permissive_with_default",
        before: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 policy { see: allow select to ROLE when not hidden } }",
        after: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 level: int = 0 backfill (case when hidden then 2 else 0 end)
 policy { other: allow select to ROLE when level < 2 } }",
        rows: "insert into docs values (1, 'open', false), (2, 'secret', true)",
        write: WRITE,
        asks: &[
            ("select count(*) from docs where title like '%secret'", NOTHING),
            ("select count(*) from docs where title = 'open'", ALL),
        ],
    },
    Probe {
        name: "column_that_goes",
        before: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 policy { see: allow select to ROLE when id > 0
  h: forbid select when hidden } }",
        after: "role ROLE
entity docs { id: int key
 title: text
 level: int backfill (case when title like '%secret' then 2 else 0 end)
 policy { see: allow select to ROLE when id > 0
  h: forbid select when level = 2 } }",
        rows: "insert into docs values (1, 'open', false), (2, 'secret', true)",
        write: WRITE,
        asks: &[
            ("select count(*) from docs where title like '%secret'", NOTHING),
            ("select count(*) from docs where title = 'open'", ALL),
        ],
    },
    Probe {
        name: "tenant",
        before: "role ROLE
entity users { id: int key
 policy { own: allow select to ROLE when id = viewer } }
viewer -> users
entity docs { id: int key
 title: text
 meta: jsonb
 policy { own: allow select to ROLE when (meta ->> 'u')::int = viewer } }",
        after: "role ROLE
entity users { id: int key
 policy { own: allow select to ROLE when id = viewer } }
viewer -> users
entity docs { id: int key
 title: text
 meta: jsonb
 user_id -> users backfill ((meta ->> 'u')::int)
 policy { own: allow select to ROLE when user_id = viewer } }",
        rows: "insert into users values (1), (2); insert into docs values (1, 'mine', '{\"u\": 1}'), (2, 'hers', '{\"u\": 2}')",
        write: "insert into docs values (10 + #, 'mine', '{\"u\": 1}'), (100 + #, 'hers', '{\"u\": 2}')",
        asks: &[
            ("select count(*) from docs where title = 'mine'", ALL),
            ("select count(*) from docs where title = 'hers'", NOTHING),
        ],
    },
    Probe {
        name: "parent",
        before: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 policy { see: allow select to ROLE when id > 0 } }
entity parts { id: int key
 doc_id -> docs
 policy { see: allow select to ROLE when not doc.hidden } }",
        after: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 level: int? backfill (case when hidden then 2 else 0 end)
 policy { see: allow select to ROLE when id > 0 } }
entity parts { id: int key
 doc_id -> docs
 policy { see: allow select to ROLE when doc.level is distinct from 2 } }",
        rows: "insert into docs values (1, 'open', false), (2, 'secret', true); insert into parts values (1, 1), (2, 2)",
        write:
            "insert into docs (id, title) values (10 + #, 'open'); insert into docs values (100 + #, 'secret', true);
insert into parts values (10 + #, 10 + #), (100 + #, 100 + #)",
        asks: &[
            ("select count(*) from parts p join docs d on d.id = p.doc_id where d.title = 'secret'", NOTHING),
            ("select count(*) from parts p join docs d on d.id = p.doc_id where d.title = 'open'", ALL),
        ],
    },
    Probe {
        name: "view",
        before: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 rls off }
view shown security definer to ROLE as $$ select d.title from docs d where not d.hidden $$",
        after: "role ROLE
entity docs { id: int key
 title: text
 hidden: bool = false
 level: int? backfill (case when hidden then 2 else 0 end)
 rls off }
view shown security definer to ROLE as $$ select d.title from docs d where d.level is distinct from 2 $$",
        rows: "insert into docs values (1, 'open', false), (2, 'secret', true)",
        write: WRITE,
        asks: &[
            ("select count(*) from shown where title like '%secret'", NOTHING),
            ("select count(*) from shown where title = 'open'", ALL),
        ],
    },
    Probe {
        name: "columns",
        before: "role ROLE
entity users { id: int key
 policy { own: allow select to ROLE when id = viewer } }
viewer -> users
entity docs { id: int key
 title: text
 note: text = ''
 hidden: bool = false
 policy { see: allow select to ROLE when id > 0 or id = viewer
  a: allow update (title) to ROLE when id > 0
  b: allow update (note) to ROLE when not hidden } }",
        after: "role ROLE
entity users { id: int key
 policy { own: allow select to ROLE when id = viewer } }
viewer -> users
entity docs { id: int key
 title: text
 note: text = ''
 hidden: bool = false
 level: int backfill (case when hidden then 2 else 0 end)
 policy { see: allow select to ROLE when id > 0 or id = viewer
  a: allow update (title) to ROLE when id > 0
  b: allow update (note) to ROLE when level < 2 } }",
        rows: "insert into docs values (1, 'open', '', false), (2, 'secret', '', true)",
        write: WRITE,
        asks: &[
            ("with u as (update docs set note = 'x' where id = 2 returning 1) select count(*) from u", REFUSED),
            ("with u as (update docs set note = 'x' where id = 1 returning 1) select count(*) from u", ONE),
            ("with u as (update docs set title = 'x' where id = 2 returning 1) select count(*) from u", ONE),
        ],
    },
    Probe {
        name: "limit",
        before: "role ROLE
entity halls { id: int key
 capacity: int
 policy { see: allow select to ROLE when id > 0 } }
entity seats { id: int key
 hall_id -> halls
 kind: text = 'a'
 limit full: kind = 'a' per hall_id to hall.capacity
 policy { all: allow select, insert to ROLE when id > 0 } }",
        after: "role ROLE
entity halls { id: int key
 capacity: int
 places: int backfill (capacity)
 policy { see: allow select to ROLE when id > 0 } }
entity seats { id: int key
 hall_id -> halls
 kind: text = 'a'
 limit full: kind = 'a' per hall_id to hall.places
 policy { all: allow select, insert to ROLE when id > 0 } }",
        rows: "insert into halls values (1, 2); insert into seats values (1, 1)",
        write: "insert into halls values (10 + #, 1)",
        asks: &[
            ("with i as (insert into seats values (2, 1) returning 1) select count(*) from i", ONE),
            ("with i as (insert into seats values (2, 1), (3, 1) returning 1) select count(*) from i", REFUSED),
            (
                "with i as (insert into seats select 90 + n, max(h.id) from halls h, generate_series(1, 2) n where h.id > 9 group by n returning 1) select count(*) from i",
                REFUSED,
            ),
        ],
    },
];

pub fn given(text: &str) -> Given {
    compile("case", text, Target::Postgres, true).unwrap_or_else(|error| panic!("{error}"))
}

/// Asks as the role, and takes back what that did.
fn ask(session: &mut Session, role: &str, query: &str) -> Result<Option<String>, String> {
    let said = |error: specc_postgres::postgres::Error| {
        error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
    };
    let mut transaction = session.transaction().map_err(said)?;
    let as_role = format!("set local role {role}; set local app.viewer_id = '1'; set local statement_timeout = '20s'");
    transaction.batch_execute(&as_role).map_err(said)?;
    let found = transaction.query_one(query, &[]).map(|row| row.get::<_, i64>(0).to_string());
    let refused = [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::CHECK_VIOLATION];
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.code().is_some_and(|code| refused.contains(code)) => Ok(None),
        Err(error) => Err(format!("{query}: {}", said(error))),
    }
}

fn check(probe: &Probe, major: u32) -> Vec<String> {
    let role = format!("filling_{}", probe.name);
    let at = |text: &str| text.replace("ROLE", &role);
    let (from, to) = (given(&at(probe.before)), given(&at(probe.after)));
    let difference = diff(&from.catalog, &to.catalog, &to.hints);
    let arena = Arena::new();
    let plan = plan_change(&difference, &to.hints, &arena, ChangeOptions::default()).expect("a plan");
    let db = shared(major).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    let mut above = db.connect_superuser().expect("a session");
    let mut wrong = Vec::new();
    let run = |session: &mut Session, text: &str| {
        load_sql(session, text).map(|_| ()).map_err(|error| format!("{error}\n{text}"))
    };
    let mut go = || {
        run(&mut session, &script(&from.catalog)?)?;
        run(&mut session, probe.rows)?;
        for (number, stage) in plan.stages.iter().enumerate() {
            run(&mut session, &probe.write.replace('#', &number.to_string()))?;
            let statements: String = stage.statements().map(printed).collect();
            match stage.transaction {
                Transaction::Outside => run(&mut session, &statements)?,
                _ => run(&mut session, &format!("begin;\n{statements}\ncommit"))?,
            }
            for (query, expected) in probe.asks {
                let (got, expected) = (ask(&mut above, &role, query)?, expected(number + 1));
                if got != expected {
                    wrong.push(format!("after file {} {query} gives {got:?}, not {expected:?}", number + 1));
                }
            }
        }
        Ok::<_, String>(())
    };
    let stopped = go();
    wrong.extend(stopped.err());
    if plan.stages.len() < 3 {
        wrong.push("nothing is filled".into());
    }
    drop((session, above, db));
    let db = shared(major).empty_database().expect("a database");
    let mut above = db.connect_superuser().expect("a session");
    load_sql(&mut above, &format!("drop role if exists {role}")).expect("the role goes");
    wrong.into_iter().map(|what| format!("{} on {major}: {what}", probe.name)).collect()
}

#[test]
fn nobody_sees_a_third_state_while_rows_are_filled() {
    let failed = all(PROBES, |probe| [15, 18].into_iter().flat_map(|major| check(probe, major)).collect());
    assert!(failed.is_empty(), "{} findings\n{}", failed.len(), failed.join("\n"));
}

/// All that is generated and runs as its owner looks names up where nobody else can put any.
#[test]
fn what_runs_as_its_owner_looks_up_the_temporary_schema_last() {
    let (mut functions, mut wrong) = (0, Vec::new());
    for case in crate::changes::case::Case::all() {
        let Ok((ups, downs)) = case.scripts() else { continue };
        for text in ups.iter().chain(&downs) {
            for (at, _) in text.match_indices(" security definer\n") {
                let head = &text[text[..at].rfind("create ").unwrap_or(0)..];
                let head = &head[..head
                    .find("\nas ")
                    .or_else(|| head.find("\nbegin atomic"))
                    .or_else(|| head.find("\nreturn "))
                    .unwrap_or(head.len())];
                functions += 1;
                // What an author wrote is the author's.
                if !head.contains("set search_path = pg_catalog, pg_temp") && !case.says("search_path") {
                    wrong.push(format!("{}: {head}", case.name));
                }
            }
        }
    }
    assert!(functions > 20, "{functions} functions");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
