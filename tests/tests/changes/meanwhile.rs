//! What others write between the files of a change is there in the end.

use crate::changes::filling::given;
use crate::changes::run::{printed, script};
use specc_diff::diff;
use specc_migrate::{Arena, ChangeOptions, plan_change};
use specc_postgres::{Database, Session, load_sql, shared};
use specc_sql::Transaction;

/// Runs a change on rows, with something done by someone else before each file; gives what is asked in the end.
fn change(
    major: u32,
    before: &str,
    after: &str,
    rows: &str,
    meanwhile: &[&str],
    asked: &str,
) -> Result<Vec<String>, String> {
    change_beside(Database::connect, major, before, after, rows, meanwhile, asked)
}

/// The same with a session of one's own for what is done meanwhile.
fn change_beside(
    client: impl Fn(&Database) -> Result<Session, specc_postgres::Error>,
    major: u32,
    before: &str,
    after: &str,
    rows: &str,
    meanwhile: &[&str],
    asked: &str,
) -> Result<Vec<String>, String> {
    let (from, to) = (given(before), given(after));
    let difference = diff(&from.catalog, &to.catalog, &to.hints);
    let arena = Arena::new();
    let plan = plan_change(&difference, &to.hints, &arena, ChangeOptions::default()).expect("a plan");
    let db = shared(major).empty_database().expect("a database");
    let mut session = db.connect().expect("a session");
    let mut client = client(&db).expect("a session");
    let run =
        |session: &mut Session, text: &str| load_sql(session, text).map(|_| ()).map_err(|error| error.to_string());
    run(&mut session, &script(&from.catalog)?)?;
    run(&mut session, rows)?;
    // No change in here takes long; and who runs it has settings of its own.
    run(
        &mut session,
        "set statement_timeout = '30s'; set timezone = 'America/New_York'; set datestyle = 'SQL, DMY'; set bytea_output = 'escape'; set extra_float_digits = -3; set intervalstyle = 'sql_standard'",
    )?;
    for (number, stage) in plan.stages.iter().enumerate() {
        if let Some(text) = meanwhile.get(number) {
            run(&mut client, text)?;
        }
        let statements: String = stage.statements().map(printed).collect();
        match stage.transaction {
            Transaction::Outside => run(&mut session, &statements)?,
            _ => run(&mut session, &format!("begin;\n{statements}\ncommit"))?,
        }
    }
    run(&mut session, "reset all; set timezone = 'UTC'")?;
    let found = session.query(asked, &[]).map_err(|error| error.to_string())?;
    Ok(found.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_else(|| "null".into())).collect())
}

const PEOPLE: &str = "entity people { id: int key
 nick: text?
 rls off }";

#[test]
fn a_backfill_ends_where_its_value_is_null() {
    let people = |column: &str| format!("{MAYBE}\nentity people {{ id: int key\n nick: text?\n {column}\n rls off }}");
    let rows = "insert into people values (7, 'Ann'), (8, null)";
    for major in [15, 18] {
        let before = format!("{MAYBE}\n{PEOPLE}");
        let to = |column: &str, asked: &str| change(major, &before, &people(column), rows, &[], asked);
        let values = "select more::text from people order by id";
        assert_eq!(to("more: text? backfill (lower(nick))", values), Ok(vec!["ann".into(), "null".into()]));
        assert_eq!(to("more: text? = maybe()", values), Ok(vec!["null".into(), "null".into()]));
        let named = to("more: text backfill (lower(nick))", values).expect_err("a row has no value");
        assert!(
            named.contains("more of public.people must have a value") && named.contains("the row where id is 8"),
            "{named}"
        );
        let named = to("more: text = maybe()", values).expect_err("no row has a value");
        assert!(named.contains("the row where id is 7"), "{named}");
    }
}

/// Columns that are filled in one pass: a row that waits for one of them keeps what somebody gave it in another.
#[test]
fn what_is_written_to_one_column_of_several_that_are_filled_is_kept() {
    let after = "entity people { id: int key
 nick: text?
 size: int backfill (coalesce(length(nick), 0))
 code: text backfill (coalesce(lower(nick), '-'))
 token: uuid = gen_random_uuid()
 rls off }";
    let rows = "insert into people values (7, 'Ann'), (8, null), (9, 'Bo')";
    let write = "update people set size = 99 where id = 7; update people set code = 'mine' where id = 9; insert into people values (10, 'Cy', 5, 'c')";
    let asked = "select concat_ws(' ', id, size, code, token is not null) from people order by id";
    for major in [15, 18] {
        let found = change(major, PEOPLE, after, rows, &only(write, 1), asked);
        let right = ["7 99 ann t", "8 0 - t", "9 2 mine t", "10 5 c t"].map(String::from).to_vec();
        assert_eq!(found, Ok(right), "on {major}");
    }
    let nothing = after.replace("coalesce(lower(nick), '-')", "lower(nick)");
    let named = change(15, PEOPLE, &nothing, rows, &[], asked).expect_err("a row has no value");
    assert!(
        named.contains("size, code, token of public.people must have a value") && named.contains("id is 8"),
        "{named}"
    );
}

const MAYBE: &str = "function maybe() -> text language plpgsql as $$ begin return null; end $$";

/// Whoever writes from wherever, a value becomes what the file makes of it that fills the rows.
#[test]
fn what_keeps_a_column_up_reads_no_setting_of_who_writes() {
    let before = "entity visits { id: int key
 at: timestamp
 raw: bytea
 ratio: float8
 day: text
 span: interval
 rls off }";
    let after = "entity visits { id: int key
 at: timestamptz
 raw: text
 ratio: text
 day: date using (day::date)
 span: text
 rls off }";
    let row = |id: u32| {
        format!("({id}, '2026-01-01 12:00', '\\x00ff', 0.1::float8 + 0.2::float8, '2026-02-03', '1 day 02:00:00')")
    };
    let client = "set timezone = 'Asia/Tokyo'; set datestyle = 'German, DMY'; set bytea_output = 'escape'; set extra_float_digits = -10; set intervalstyle = 'iso_8601'";
    for major in [15, 18] {
        let writes: Vec<String> = (2..5).map(|id| format!("{client}; insert into visits values {}", row(id))).collect();
        let writes: Vec<&str> = writes.iter().map(String::as_str).collect();
        let found = change(
            major,
            before,
            after,
            &format!("insert into visits values {}", row(1)),
            &writes,
            "select distinct concat_ws('|', at, raw, ratio, day, span) from visits",
        );
        let one = "2026-01-01 12:00:00+00|\\x00ff|0.30000000000000004|2026-02-03|1 day 02:00:00";
        assert_eq!(found, Ok(vec![one.to_owned()]), "on {major}");
    }
}

const SMALL: &str = "entity sums { id: int key
 amount: int
 rls off }";
const LARGE: &str = "entity sums { id: int key
 amount: bigint
 rls off }";
const SUM: &str = "select string_agg(amount::text, ' ' order by id) from sums";

/// The empty statement before each file but one.
fn only(write: &str, file: usize) -> Vec<&str> {
    let mut writes = vec![""; file];
    writes.push(write);
    writes
}

/// What a logical replica applies fires no ordinary trigger.
#[test]
fn what_a_replica_writes_while_a_column_moves_is_kept() {
    let write = "set session_replication_role = replica; update sums set amount = 12 where id = 1; insert into sums values (3, 30)";
    let rows = "insert into sums values (1, 11), (2, 20)";
    for file in 0..6 {
        let writes = only(write, file);
        let major = [15, 18][file % 2];
        let found = change_beside(Database::connect_superuser, major, SMALL, LARGE, rows, &writes, SUM);
        assert_eq!(found, Ok(vec!["12 20 30".to_owned()]), "before file {} on {major}", file + 1);
    }
    let filled = SMALL.replace("rls off", "doubled: int backfill (amount * 2)\n check even: doubled % 2 = 0\n rls off");
    for file in 1..3 {
        let (writes, asked) = (only(write, file), "select string_agg(doubled::text, ' ' order by id) from sums");
        let found = change_beside(Database::connect_superuser, 15, SMALL, &filled, rows, &writes, asked);
        assert_eq!(found, Ok(vec!["24 40 60".to_owned()]), "before file {}", file + 1);
    }
}

/// Whoever switches triggers off writes past the one that keeps a column up: that is repaired, or refused.
#[test]
fn what_is_written_past_all_triggers_while_a_column_moves_is_not_lost() {
    let write = "alter table sums disable trigger user; update sums set amount = 12 where id = 1; alter table sums enable trigger user";
    let of = |specs: [&str; 2], rows: &str, write: &str, asked: &str, right: &str| {
        let mut repaired = 0;
        for file in 0..6 {
            let major = [15, 18][file % 2];
            match change(major, specs[0], specs[1], rows, &only(write, file), asked) {
                Ok(found) => {
                    assert_eq!(found, [right], "before file {} on {major}", file + 1);
                    repaired += 1;
                }
                Err(error) => {
                    assert!(error.contains("violates check constraint"), "before file {}: {error}", file + 1);
                }
            }
        }
        assert!(repaired >= 3, "{repaired} of 6");
    };
    of([SMALL, LARGE], "insert into sums values (1, 11), (2, 20)", write, SUM, "12 20");
    // What the value reads of the session is the same for everyone.
    let visits = |ty: &str| format!("entity visits {{ id: int key\n at: {ty}\n rls off }}");
    let write = "set timezone = 'Asia/Tokyo'; insert into visits values (2, '2026-01-02 12:00');
alter table visits disable trigger user; update visits set at = '2026-01-03 12:00' where id = 1; alter table visits enable trigger user";
    of(
        [&visits("timestamp"), &visits("timestamptz")],
        "insert into visits values (1, '2026-01-01 12:00')",
        write,
        "select string_agg(at::text, ' ' order by id) from visits",
        "2026-01-03 12:00:00+00 2026-01-02 12:00:00+00",
    );
}

/// A trigger whose name comes late changes a row before it is copied.
#[test]
fn what_a_late_trigger_writes_while_a_column_moves_is_kept() {
    let late = |spec: &str| {
        let step = "$$ begin new.amount := abs(new.amount); return new; end $$";
        format!(
            "{}\nsql later\n provides trigger zzzzz_later\n depends on sums\n $$ create function public.later() returns trigger \
             language plpgsql as 'begin new.amount := abs(new.amount); return new; end'; create trigger zzzzz_later before update \
             on public.sums for each row execute function public.later() $$\n down $$ drop trigger zzzzz_later on public.sums; \
             drop function public.later() $$\n",
            spec.replace("rls off", &format!("trigger zzzzz_late before update as {step}\n rls off"))
        )
    };
    let (from, to) = (late(SMALL), late(LARGE));
    for file in 0..6 {
        let writes = only("update sums set amount = -12 where id = 1", file);
        let found = change(15, &from, &to, "insert into sums values (1, 11), (2, 20)", &writes, SUM);
        assert_eq!(found, Ok(vec!["12 20".to_owned()]), "before file {}", file + 1);
    }
}

/// A role that may make temporary objects puts a type of a known name in front, and nothing of the owner's runs it.
#[test]
fn a_temporary_type_is_not_taken_by_what_runs_as_the_owner() {
    let before = "entity things { id: int key
 code: text
 rls off }";
    let after = "entity things { id: int key
 code: uuid using (code::uuid)
 rls off }";
    let code = "00000000-0000-4000-8000-00000000000a";
    let trap = format!(
        "create function pg_temp.trap(text) returns boolean language plpgsql as $$ begin raise exception 'taken'; end $$;
create domain pg_temp.uuid as text check (pg_temp.trap(value));
insert into things values (2, '{code}')"
    );
    for major in [15, 18] {
        let rows = format!("insert into things values (1, '{code}')");
        let found = change(major, before, after, &rows, &["", &trap], "select code::text from things order by id");
        assert_eq!(found, Ok(vec![code.to_owned(), code.to_owned()]), "on {major}");
    }
}

/// The rows of a table that is split, merged or moved are what its clients wrote last, whenever they did.
#[test]
fn what_is_written_while_rows_come_from_a_query_is_there() {
    let users = "entity users { id: int key
 street: text?
 rls off }";
    let split = "entity users { id: int key
 rls off }
entity addresses from (select id as user_id, upper(street) as street from users where street is not null) {
 user_id -> users key on delete cascade
 street: text
 rls off }";
    let rows = "insert into users values (1, 'a'), (2, 'b'), (3, null), (4, 'd'), (5, 'e')";
    let write = "insert into users values (6, 'f'), (7, null); update users set street = 'x' where id = 2;
update users set street = 'c' where id = 3; update users set street = null where id = 4;
update users set id = 8 where id = 5; delete from users where id = 1";
    let asked = "select string_agg(user_id || street, ' ' order by user_id) from addresses";
    for file in 0..3 {
        let found = change([15, 18][file % 2], users, split, rows, &only(write, file), asked);
        assert_eq!(found, Ok(vec!["2X 3C 6F 8E".to_owned()]), "before file {}", file + 1);
    }
    let pets = |table: &str| format!("entity {table} {{ id: int key\n name: text\n rls off }}");
    let merged = "entity pets from (select id, name from cats union all select -id, name from dogs) { id: int key
 name: text
 rls off }";
    let rows = "insert into cats values (1, 'tom'); insert into dogs values (1, 'rex')";
    let write = "insert into cats values (2, 'kit'); update dogs set name = 'max'; insert into dogs values (2, 'bo');
delete from dogs where id = 2";
    let asked = "select string_agg(id || name, ' ' order by id) from pets";
    for file in 0..3 {
        let before = format!("{}\n{}", pets("cats"), pets("dogs"));
        let found = change([15, 18][file % 2], &before, merged, rows, &only(write, file), asked);
        assert_eq!(found, Ok(vec!["-1max 1tom 2kit".to_owned()]), "before file {}", file + 1);
    }
}

/// A column that is read before it goes is followed until then.
#[test]
fn what_is_written_while_columns_are_merged_is_there() {
    let before = "entity people { id: int key
 first: text
 last: text
 rls off }";
    let after = "entity people { id: int key
 name: text backfill (first || ' ' || last)
 rls off }";
    let rows = "insert into people values (1, 'Ada', 'Byron'), (2, 'Alan', 'Turing')";
    let write = "update people set last = 'Lovelace' where id = 1; insert into people values (3, 'Eve', 'Doe')";
    for file in 0..5 {
        let asked = "select string_agg(name, ', ' order by id) from people";
        let found = change([15, 18][file % 2], before, after, rows, &only(write, file), asked);
        assert_eq!(found, Ok(vec!["Ada Lovelace, Alan Turing, Eve Doe".to_owned()]), "before file {}", file + 1);
    }
}
