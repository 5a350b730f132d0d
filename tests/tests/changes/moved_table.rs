//! Tables whose rows move to one that is divided otherwise.

use crate::changes::filling::given;
use crate::changes::run::{printed, script};
use specc_diff::diff;
use specc_migrate::{Arena, ChangeError, ChangeOptions, plan_change};
use specc_postgres::{load_sql, shared};

/// How an entity of one primary key is divided.
fn spec(divided: &str) -> String {
    format!(
        "enum kinds {{ low, high }}\nentity events {{ id: int\n a: int\n b: text\n kind: kinds\n key (id, a, b, kind)\n {divided}\n rls off }}"
    )
}

const ROWS: &str = "select n as id, n % 7 as a, (array['', 'a', 'b', 'c', 'zz'])[1 + n % 5] as b,
  (array['low', 'high'])[1 + n % 2]::kinds as kind from generate_series(1, 420) n";

const DIVIDED: &[&str] = &[
    "partition by range (a)\n partition p1 from (1) to (3)\n partition p2 from (4) to (maxvalue)",
    "partition by range (a, b)\n partition p1 from (1, 'a') to (3, 'b')\n partition p2 from (4, minvalue) to (5, maxvalue)",
    "partition by range (a, b)\n partition p1 from (minvalue, minvalue) to (2, minvalue)\n partition p2 from (3, maxvalue) to (maxvalue, maxvalue)",
    "partition by list (b)\n partition p1 in ('a', 'zz')\n partition p2 in ('')",
    "partition by list (kind)\n partition p1 in ('high')",
    "partition by range (a)\n partition p1 from (minvalue) to (3)\n partition p2 default",
    "partition by hash (id)\n partition p1 modulus 2 remainder 0\n partition p2 modulus 2 remainder 1",
];

/// As many as Postgres would refuse, row by row; where there are none, all of them move.
#[test]
fn rows_that_fit_no_partition_are_counted_before_anything_is_changed() {
    for (n, divided) in DIVIDED.iter().enumerate() {
        let major = [15, 18][n % 2];
        let (from, to) = (given(&spec("")), given(&spec(divided)));
        let difference = diff(&from.catalog, &to.catalog, &to.hints);
        let arena = Arena::new();
        let plan = plan_change(&difference, &to.hints, &arena, ChangeOptions::default()).expect("a plan");

        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        load_sql(&mut session, &script(&to.catalog).expect("a script")).expect("the spec after");
        let refused = format!(
            "create table refused (n int); do $$ declare r record; refused int := 0; begin
  for r in {ROWS} loop
    begin
      insert into events values (r.id, r.a, r.b, r.kind);
    exception when check_violation then
      refused := refused + 1;
    end;
  end loop;
  insert into refused values (refused);
end $$"
        );
        load_sql(&mut session, &refused).expect("rows");
        let refused: i32 = session.query_one("select n from refused", &[]).expect("a number").get(0);

        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        load_sql(&mut session, &script(&from.catalog).expect("a script")).expect("the spec before");
        load_sql(&mut session, &format!("insert into events {ROWS}")).expect("rows");
        let first: String = plan.stages[0].statements().map(printed).collect();
        let asked = load_sql(&mut session, &format!("begin;\n{first}\ncommit"));
        match asked {
            Ok(_) => assert_eq!(refused, 0, "{divided}"),
            Err(error) => {
                let error = error.to_string();
                assert!(
                    error.contains(&format!("that have no partition to go to: {refused} ")),
                    "{divided}: {refused}, {error}"
                );
                assert!(error.contains("select * from public.events where"), "{error}");
            }
        }
    }
}

/// What cannot move while others use it says why, and moves all at once.
#[test]
fn what_moves_at_once_only_says_why() {
    let by_at = "partition by range (at)\n partition p1 from (minvalue) to (maxvalue)";
    let rest = "rls off";
    let entity = |inside: &str, divided: &str| format!("entity events {{ at: int\n {inside}\n {divided}\n {rest} }}");
    let cases = [
        ("value: int?", "it has no key"),
        (
            "id: int\n other: int?\n key (id, at)\n reference (other, at) -> events (id, at) as above inverse below",
            "it refers to rows that move too",
        ),
        ("id: int\n key (id, at)", "a materialized view over it"),
    ];
    for (n, (inside, why)) in cases.iter().enumerate() {
        let view = if n == 2 { "\nmaterialized view seen as $$ select at from public.events $$" } else { "" };
        let (from, to) = (given(&(entity(inside, "") + view)), given(&(entity(inside, by_at) + view)));
        let difference = diff(&from.catalog, &to.catalog, &to.hints);
        let arena = Arena::new();
        let refused = plan_change(&difference, &to.hints, &arena, ChangeOptions::default());
        let Err(ChangeError::Stalls(all)) = refused else { panic!("{why}: {:?}", refused.err()) };
        assert!(all.iter().any(|(_, said)| said.contains(why)), "{why}: {all:?}");
        let offline = ChangeOptions { offline: true, one: false };
        let plan = plan_change(&difference, &to.hints, &arena, offline).expect(why);
        assert!(plan.losses().is_empty(), "{why}: {:?}", plan.losses());
    }
}

/// A table that gets another name, and columns that do, on the way to being divided: there and back.
#[test]
fn rows_move_under_new_names() {
    let before = "entity notes { id: int key identity\n title: text\n rls off }
entity remarks { id: int key\n note_id -> notes\n rls off }";
    let after = "entity papers was notes { id: int key identity\n name: text was title\n
 partition by range (id)\n partition papers_1 from (minvalue) to (50)\n partition papers_2 from (50) to (maxvalue)\n rls off }
entity remarks { id: int key\n paper_id -> papers was note_id\n rls off }";
    let (from, to) = (given(before), given(after));
    let difference = diff(&from.catalog, &to.catalog, &to.hints);
    let back_hints = specc_migrate::reversed(&difference);
    let back = diff(&to.catalog, &from.catalog, &back_hints);
    let (arena, back_arena) = (Arena::new(), Arena::new());
    let there = plan_change(&difference, &to.hints, &arena, ChangeOptions::default()).expect("a plan");
    let one = ChangeOptions { offline: true, one: true };
    let again = plan_change(&back, &back_hints, &back_arena, one).expect("a way back");
    for major in [15, 18] {
        let db = shared(major).empty_database().expect("a database");
        let mut session = db.connect().expect("a session");
        load_sql(&mut session, &script(&from.catalog).expect("a script")).expect("the spec before");
        let rows = "insert into notes (title) select 'note ' || n from generate_series(1, 100) n;
insert into remarks select n, n from generate_series(1, 100, 7) n";
        load_sql(&mut session, rows).expect("rows");
        for (plan, sum) in [
            (
                &there,
                "select string_agg(id || name, ',' order by id) || (select sum(paper_id) from remarks) from papers",
            ),
            (
                &again,
                "select string_agg(id || title, ',' order by id) || (select sum(note_id) from remarks) from notes",
            ),
        ] {
            for stage in &plan.stages {
                let text: String = stage.statements().map(printed).collect();
                let text = match stage.transaction {
                    specc_sql::Transaction::Outside => text,
                    _ => format!("begin;\n{text}\ncommit"),
                };
                load_sql(&mut session, &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            }
            let right: String = (1..=100).map(|n| format!("{n}note {n}")).collect::<Vec<_>>().join(",") + "750";
            let found: String = session.query_one(sum, &[]).expect(sum).get(0);
            assert_eq!(found, right, "on {major}");
        }
        load_sql(&mut session, "insert into notes (title) values ('next')").expect("the next number");
        let next: i32 = session.query_one("select max(id) from notes", &[]).expect("a number").get(0);
        assert_eq!(next, 101, "on {major}");
    }
}
