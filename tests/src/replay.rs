//! Cases of `specc prove` on a real server.

use crate::{Rows, database, spec_files, texts};
use specc_diag::{Acceptance, Sources};
use specc_model::{Model, Options};
use specc_postgres::{Database, Session, as_user_commit, postgres};
use specc_prove::{Case, Fill, Replay, Samples, Tried};

/// The model of some files, each with its name, and what they accept of what is proven.
///
/// # Panics
/// When there is an error in them.
pub fn model_of(files: &[(impl AsRef<str>, String)], options: Options) -> (Model, Vec<Acceptance>) {
    let mut sources = Sources::new();
    sources.add("specc.toml", "");
    let trees = files.iter().map(|(name, text)| {
        let id = sources.add(name.as_ref(), text.as_str());
        specc_syntax::parse(id, text)
    });
    let (mut trees, found): (Vec<_>, Vec<_>) = trees.unzip();
    let mut found = found.concat();
    let accepted = trees.iter_mut().flat_map(|tree| std::mem::take(&mut tree.accepts)).collect::<Vec<_>>();
    let accepted = accepted.into_iter().filter(|one| one.code.is_of_proofs()).collect();
    let (model, more) = specc_model::analyze(trees, &mut sources, options);
    found.extend(more);
    let name = |(name, _): &(_, String)| AsRef::<str>::as_ref(name).to_owned();
    let names: Vec<String> = files.iter().map(name).collect();
    let errors: Vec<_> = found.iter().filter(|d| d.severity() == specc_diag::Severity::Error).collect();
    assert!(errors.is_empty(), "{names:?}: {errors:#?}");
    (model, accepted)
}

/// Takes away what a case does not speak of: references, checks, uniques, and triggers other than those that decide access.
pub const BARE: &str = "
do $$
declare r record;
begin
  for r in select conrelid::regclass as t, conname from pg_constraint
           where contype in ('f', 'c', 'u', 'x') and conparentid = 0 and conrelid <> 0
             and connamespace = 'public'::regnamespace order by contype desc loop
    execute format('alter table %s drop constraint if exists %I cascade', r.t, r.conname);
  end loop;
  for r in select contypid::regtype as t, conname from pg_constraint
           where contypid <> 0 and contype = 'c' and connamespace = 'public'::regnamespace loop
    execute format('alter domain %s drop constraint %I', r.t, r.conname);
  end loop;
  for r in select tgrelid::regclass as t, tgname from pg_trigger g join pg_proc p on p.oid = g.tgfoid
           where not tgisinternal and tgparentid = 0 and tgrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace)
             and tgname !~ '^aa_columns' and proname <> 'refuse_immutable_change' loop
    execute format('drop trigger %I on %s', r.tgname, r.t);
  end loop;
  for r in select c.oid::regclass as i from pg_index x join pg_class c on c.oid = x.indexrelid
           where indisunique and not indisprimary and c.relnamespace = 'public'::regnamespace loop
    execute format('drop index if exists %s', r.i);
  end loop;
end
$$";

/// What came of each statement of a case: the rows that it touched, or the error, which is the last there is. None where
/// the case cannot be made. The rows are gone afterwards. `blind`: changes name no row.
///
/// # Panics
/// When the rows that are there before cannot be inserted.
pub fn outcome(session: &mut Session, case: &Case, model: &Model, blind: bool) -> Option<Vec<Result<u64, String>>> {
    let replay = case.replay(model)?;
    let said = |error: &postgres::Error| {
        error.as_db_error().map_or_else(|| error.to_string(), |db| format!("{} {}", db.code().code(), db.message()))
    };
    let claims = claims(&replay);
    // The storage service says so before it deletes; another role's settings stay.
    session.batch_execute("set storage.allow_delete_query = 'true'").unwrap();
    let all = replay.rows.join(";\n");
    if let Err(error) = session.batch_execute(&all) {
        panic!("{}\n{all}", said(&error));
    }
    let mut got = Vec::new();
    for statement in if blind { &replay.blind } else { &replay.statements } {
        let one = as_user_commit(session, &replay.role, &claims.to_string(), |tx| tx.execute(statement, &[]));
        got.push(one.map_err(|error| format!("{}: {statement}", said(&error))));
        if got.last().is_some_and(Result::is_err) {
            break;
        }
    }
    let tables: std::collections::BTreeSet<_> = case
        .rows
        .iter()
        .map(|row| {
            let name = &model.entity(row.entity).name;
            format!("{}.{}", name.schema, name.name)
        })
        .collect();
    // What refers to others goes first, where references were left as they are: in the platform's schemas.
    for table in tables.into_iter().rev() {
        session.batch_execute(&format!("delete from {table}")).unwrap();
    }
    Some(got)
}

/// Makes what [`outcomes`] calls, for this session.
pub const CELLS: &str = "
create function pg_temp.specc_cells(cells jsonb) returns setof text language plpgsql as $f$
declare
  cell jsonb;
  made text;
  touched bigint;
  said text;
begin
  for cell in select * from jsonb_array_elements(cells) loop
    begin
      for made in select jsonb_array_elements_text(cell -> 'rows') loop
        execute made;
      end loop;
      perform set_config('request.jwt.claims', cell ->> 'claims', true);
      perform set_config('role', cell ->> 'role', true);
      begin
        execute cell ->> 'statement';
        get diagnostics touched = row_count;
        said := touched::text;
      exception when others then
        said := sqlstate || ' ' || sqlerrm;
      end;
      raise exception using errcode = 'SPECC', message = said;
    exception
      when sqlstate 'SPECC' then said := sqlerrm;
      when others then said := 'no database: ' || sqlerrm;
    end;
    return next said;
  end loop;
end
$f$";

/// What came of the statement of each of these, in one round trip: the rows that it touched, or the error. All is undone. None
/// where the case cannot be made.
///
/// # Panics
/// When [`CELLS`] is not there.
pub fn outcomes(session: &mut Session, tried: &[Tried], model: &Model) -> Vec<Option<Result<u64, String>>> {
    let samples = Samples::new();
    let fill = Fill::new(model, &samples);
    let cell = |tried: &Tried| -> Option<serde_json::Value> {
        let made = tried.case.loaded(&fill).ok()?;
        let claims = claims(&made).to_string();
        let statement = tried.statement(&fill).ok()?;
        Some(serde_json::json!({ "rows": made.rows, "role": made.role, "claims": claims, "statement": statement }))
    };
    let cells: Vec<_> = tried.iter().map(cell).collect();
    let all: Vec<_> = cells.iter().flatten().collect();
    let all = serde_json::to_string(&all).unwrap();
    let rows = session.query("select pg_temp.specc_cells($1::text::jsonb)", &[&all]).unwrap();
    let mut said = rows.iter().map(|row| row.get::<_, String>(0));
    let one = |cell: Option<serde_json::Value>| {
        let _ = cell?;
        let said = said.next()?;
        Some(said.parse::<u64>().map_err(|_| said))
    };
    cells.into_iter().map(one).collect()
}

/// The claims of who asks.
fn claims(replay: &Replay) -> serde_json::Value {
    let mut claims = serde_json::json!({ "role": replay.role });
    if let Some(viewer) = &replay.viewer {
        claims["sub"] = viewer.as_str().into();
    }
    for (keys, value) in &replay.claims {
        let mut at = &mut claims;
        for key in keys {
            at = &mut at[key.as_str()];
        }
        *at = value.as_deref().into();
    }
    claims
}

/// The model of a spec under `specs/`.
///
/// # Panics
/// When there is none, or an error in it.
pub fn model_of_spec(name: &str) -> Model {
    model_of(&spec_files(name), Options::default()).0
}

/// A database of a spec under `specs/` without rows, and without what a case does not speak of.
///
/// # Panics
/// When it cannot be made.
pub fn bare_spec(name: &str, major: u32) -> (Database, Session) {
    let db = database(name, major, Rows::Base);
    let mut session = db.connect().expect("a session");
    session.batch_execute(BARE).expect("bare tables");
    let tables = texts(
        &mut session,
        "select string_agg(oid::regclass::text, ', ') from pg_class
         where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace and not relispartition",
    );
    let empty = format!("truncate {} cascade; delete from auth.users", tables.join(", "));
    session.batch_execute(&empty).expect("no rows");
    (db, session)
}
