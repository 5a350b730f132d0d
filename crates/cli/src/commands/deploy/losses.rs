//! What a way back loses, counted before anybody approves it.

use super::folder::Folder;
use super::target::Target;
use crate::commands::database::broken;
use crate::report::{Failure, plural};
use specc_catalog::Object;
use specc_deploy::Record;
use specc_postgres::Session;
use specc_runner::Migrations;

/// What is in tables and columns that the deployment made: it goes with them.
pub fn made_since(
    session: &mut Session,
    target: &Target,
    record: &Record,
    folder: &Folder,
) -> Result<Vec<String>, Failure> {
    let Some(before) = folder.before(record) else {
        return Ok(vec![
            "what is in tables and columns that the deployment made, which is not known by now".to_owned(),
        ]);
    };
    let live = specc_introspect::introspect(session, &specc_introspect::Options::default());
    let live = live.map_err(|error| Failure::broken(error.to_string()))?.catalog;
    let place = target.place();
    let said = super::steps::said(&place.root, &place.config, &record.plan);
    let mut found = Vec::new();
    for (id, entry) in live.iter() {
        let Object::Table(table) = &entry.object else { continue };
        let renamed = said.iter().flat_map(|said| &said.renames).find(|renaming| renaming.now == table.table);
        let was = renamed.map_or(&table.table, |renaming| &renaming.was);
        let known = match before.get(&was.id()).map(|entry| &entry.object) {
            Some(Object::Table(known)) => Some(known),
            _ => None,
        };
        let name = specc_sql::quote::qualified(&table.table.schema, &table.table.name);
        let mut count = |what: String| -> Result<i64, Failure> {
            Ok(session
                .query_one(&format!("select {what} from {name}"), &[])
                .map_err(|error| broken(error.into()))?
                .get(0))
        };
        match known {
            None => {
                let rows = count("count(*)".to_owned())?;
                if rows > 0 {
                    found.push(format!(
                        "{} of {}, a table that the deployment made",
                        plural(rows.unsigned_abs() as usize, "row"),
                        id.name
                    ));
                }
            }
            Some(known) => {
                let is_known = |name: &str| {
                    let name = renamed.and_then(|renaming| renaming.columns.get(name)).map_or(name, |was| was.as_str());
                    known.columns.iter().any(|column| column.name == name)
                };
                for column in table.columns.iter().filter(|column| !is_known(&column.name)) {
                    let values = count(format!("count({})", specc_sql::quote::ident(&column.name)))?;
                    if values > 0 {
                        let values = plural(values.unsigned_abs() as usize, "value");
                        found.push(format!(
                            "{values} of {}.{}, a column that the deployment made",
                            id.name, column.name
                        ));
                    }
                }
            }
        }
    }
    Ok(found)
}

/// What the down script of a migration says that it loses.
pub fn declared(migrations: &Migrations, stamp: &str) -> Vec<String> {
    let down = migrations.all.iter().find(|one| one.stamp == stamp).and_then(|one| one.down.as_ref());
    down.and_then(|down| specc_runner::Script::read(&down.text).ok()).map(|script| script.loses).unwrap_or_default()
}

/// What came after the backup, as far as numbers of rows say it.
pub fn newer(session: &mut Session, record: &Record) -> Result<Vec<String>, Failure> {
    let Some(backup) = &record.backup else { return Ok(Vec::new()) };
    let mut found = vec![format!("all that was written since {}", backup.taken)];
    let query = "select format('%s.%s', n.nspname, c.relname), n.nspname::text, c.relname::text from pg_class c \
                 join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and c.relpersistence <> 't' \
                 and n.nspname not in ('pg_catalog', 'information_schema', 'specc', 'supabase_migrations') \
                 and has_table_privilege(c.oid, 'select') and pg_has_role(c.relowner, 'usage') order by 1";
    for row in session.query(query, &[]).map_err(|error| broken(error.into()))? {
        let (name, schema, table): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let count = format!("select count(*) from {}", specc_sql::quote::qualified(&schema, &table));
        let now: i64 = session.query_one(&count, &[]).map_err(|error| broken(error.into()))?.get(0);
        let before = record.rows.get(&name).copied().unwrap_or(0);
        if now > before {
            found.push(format!(
                "{} of {name}, which has {now} now and had {before}",
                plural((now - before).unsigned_abs() as usize, "row")
            ));
        }
    }
    Ok(found)
}
