//! Other names, and other schemas, for what policies, helpers and views read.

use super::only_renames;
use crate::changes::given::{Given, compile};
use crate::changes::run::{Way, printed};
use specc_diff::diff;
use specc_migrate::{Arena, ChangeOptions, access_changes, plan_change};
use specc_model::Target;
use specc_sql::{Alter, Statement};

/// What it is called, a spec, and the same under other names.
const FORMS: &[(&str, &str, &str)] = &[
    (
        "viewer_field",
        "role ROLE
entity u { id: uuid key
 role: text
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity own { id: int key
 boss_id -> u
 policy { a: allow select to ROLE when boss_id = viewer or viewer.role = 'x' } }",
        "role ROLE
entity u { id: uuid key
 job: text was role
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity own { id: int key
 boss_id -> u
 policy { a: allow select to ROLE when boss_id = viewer or viewer.job = 'x' } }",
    ),
    (
        "path",
        "role ROLE
entity u { id: uuid key
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity own { id: int key
 boss_id -> u
 open: bool = false
 policy { a: allow select to ROLE when boss_id = viewer or exists seat (guest_id = viewer) } }
entity seat { id: int key
 own_id -> own
 guest_id -> u?
 policy { a: allow select to ROLE when own.boss_id = viewer
  b: allow update to ROLE when own.open } }",
        "role ROLE
entity u { id: uuid key
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity own { id: int key
 chief_id -> u was boss_id
 public: bool = false was open
 policy { a: allow select to ROLE when chief_id = viewer or exists seat (visitor_id = viewer) } }
entity seat { id: int key
 own_id -> own
 visitor_id -> u? was guest_id
 policy { a: allow select to ROLE when own.chief_id = viewer
  b: allow update to ROLE when own.public } }",
    ),
    (
        "table",
        "role ROLE
entity u { id: uuid key
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity own { id: int key
 boss_id -> u
 policy { a: allow select to ROLE when boss_id = viewer } }
entity seat { id: int key
 own_id -> own
 policy { a: allow select to ROLE when own.boss_id = viewer } }",
        "role ROLE
entity u { id: uuid key
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity owner was own { id: int key
 boss_id -> u
 policy { a: allow select to ROLE when boss_id = viewer } }
entity seat { id: int key
 owner_id -> owner was own_id
 policy { a: allow select to ROLE when owner.boss_id = viewer } }",
    ),
    (
        "view_over_a_table_that_moves",
        "schema app
enum st { ok, waiting }
entity seat { id: int key
 status: st
 rls off }
view v as $$ select s.id, s.status as status from seat s where s.status = 'ok' $$
function f(p: int) -> bigint stable as atomic $$ select count(*) from seat where id = p and status = 'ok' $$",
        "schema app
enum st { ok, waiting }
entity app.seat was public.seat { id: int key
 status: st
 rls off }
view v as $$ select s.id, s.status as status from app.seat s where s.status = 'ok' $$
function f(p: int) -> bigint stable as atomic $$ select count(*) from app.seat where id = p and status = 'ok' $$",
    ),
    (
        "table_that_comes_back",
        "schema app
enum st { ok, waiting }
entity app.seat { id: int key
 status: st
 rls off }
view v as $$ select s.id, s.status as status from app.seat s where s.status = 'ok' $$",
        "schema app
enum st { ok, waiting }
entity chair was app.seat { id: int key
 status: st
 rls off }
view v as $$ select s.id, s.status as status from chair s where s.status = 'ok' $$",
    ),
    (
        "helper_over_a_table_that_moves",
        "schema app
role ROLE
entity u { id: uuid key
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity app.log { id: int key
 policy { a: allow select to ROLE when id > 0 } }
entity own { id: int key
 boss_id -> u
 policy { a: allow select to ROLE when boss_id = viewer } }
entity seat { id: int key
 own_id -> own
 policy { a: allow select to ROLE when own.boss_id = viewer } }",
        "schema app
role ROLE
entity u { id: uuid key
 policy { a: allow select to ROLE when id = viewer } }
viewer -> u
entity app.log { id: int key
 policy { a: allow select to ROLE when id > 0 } }
entity app.owner was public.own { id: int key
 boss_id -> u
 policy { a: allow select to ROLE when boss_id = viewer } }
entity seat { id: int key
 owner_id -> app.owner was own_id
 policy { a: allow select to ROLE when owner.boss_id = viewer } }",
    ),
];

fn given(text: &str) -> Given {
    compile("case", text, Target::Postgres, true).unwrap_or_else(|error| panic!("{error}"))
}

fn check((name, before, after): &(&str, &str, &str), major: u32) -> Vec<String> {
    let at = |text: &str| text.replace("ROLE", &format!("moving_{name}"));
    let (from, to) = (given(&at(before)), given(&at(after)));
    let difference = diff(&from.catalog, &to.catalog, &to.hints);
    let arena = Arena::new();
    let plan = plan_change(&difference, &to.hints, &arena, ChangeOptions::default()).expect("a plan");
    let moves = |statement: &Statement<'_>| match statement {
        Statement::Alter(Alter::SetSchema { .. }) => true,
        other => only_renames(other),
    };
    let more = plan.statements().filter(|statement| !moves(statement));
    let mut wrong: Vec<String> = more.map(|statement| format!("more than a rename: {}", printed(statement))).collect();
    let access = access_changes(&difference, None);
    if access != ["as before"] {
        wrong.push(format!("access is said to change: {access:?}"));
    }
    match (Way { data_loss: false, ..Way::empty(&from, &to, major) }).go() {
        Ok(outcome) => wrong.extend(outcome.wrong),
        Err(stopped) => wrong.push(stopped),
    }
    wrong.into_iter().map(|what| format!("{name} on {major}: {what}")).collect()
}

#[test]
fn other_names_and_schemas_change_no_access() {
    let failed = crate::changes::all(FORMS, |form| [15, 18].into_iter().flat_map(|major| check(form, major)).collect());
    assert!(failed.is_empty(), "{} findings\n{}", failed.len(), failed.join("\n"));
}
