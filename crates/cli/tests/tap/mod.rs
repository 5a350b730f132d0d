//! Files of pgTAP, run on a database.

use crate::program::run;
use specc_postgres::{Database, Session};
use std::fs;
use std::path::Path;

/// Without pgTAP on the machine, what of it the files use. `SPECC_PGTAP=…/pgtap--1.2.0.sql` runs them with pgTAP itself.
const STAND_IN: &str = "
create function plan(integer) returns text language sql as $$ select '1..' || $1 $$;
create function \"is\"(anyelement, anyelement, text) returns text language sql as $$
  select case when $1 is not distinct from $2 then 'ok - ' else 'not ok - ' end || $3 || coalesce(' # ' || $1::text, '') $$;
create function finish() returns setof text language sql as $$ select ''::text where false $$;
";

/// A database with the migrations of the project in this folder and what its files of tests use, and a session of its superuser.
pub fn database(dir: &Path, major: u32) -> (Database, Session) {
    let db = specc_postgres::shared(major).platform_database().expect("a database");
    let (code, _, said) = run(dir, &["apply", "--database-url", &db.url("postgres")]);
    assert_eq!(code, 0, "{said}");
    let mut above = db.connect_superuser().expect("a session");
    install(&mut above);
    (db, above)
}

/// Makes what the files use.
fn install(above: &mut Session) {
    let pgtap = std::env::var("SPECC_PGTAP").map(|path| fs::read_to_string(path).expect("pgTAP"));
    above.batch_execute(&pgtap.unwrap_or_else(|_| STAND_IN.to_owned())).expect("functions");
}

/// What a file of tests says, line by line.
pub fn lines(session: &mut Session, path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a file");
    let said = session.simple_query(&text).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
    let rows = said.iter().filter_map(|message| match message {
        specc_postgres::postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    });
    rows.filter(|line| line.contains("ok ") || line.starts_with("1..")).collect()
}
