//! The role that asks: what the server says of itself, and the columns that the queries read, of all rows.

use crate::watch::Watch;
use specc_catalog::MARK;
use specc_sql::quote::{ident, qualified};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Its name.
pub(crate) const ROLE: &str = "specc_monitor";

pub(crate) fn sql(watch: &Watch) -> String {
    let mut out = format!(
        "-- {MARK}\n-- The role by which the exporter asks. Run it as the owner of the tables, then give the role a password: \\password {ROLE}\n\
         -- It counts rows past row level security, and reads no column but these. It may be run again after each change.\n\
         do $$\n\
         begin\n  \
           if not exists (select from pg_catalog.pg_roles where rolname = '{ROLE}') then\n    \
             create role {ROLE};\n  \
           end if;\n\
         end $$;\n\
         alter role {ROLE} login bypassrls connection limit 5;\n\
         grant pg_monitor to {ROLE};\n\
         alter role {ROLE} set default_transaction_read_only = on;\n\
         alter role {ROLE} set statement_timeout = '10s';\n\
         alter role {ROLE} set lock_timeout = '500ms';\n"
    );
    let schemas: BTreeSet<&str> = watch.reads.keys().map(|(schema, _)| schema.as_str()).collect();
    for schema in schemas {
        let schema = ident(schema);
        let _ = writeln!(out, "grant usage on schema {schema} to {ROLE};");
        let _ = writeln!(out, "revoke select on all tables in schema {schema} from {ROLE};");
    }
    for ((schema, table), columns) in &watch.reads {
        let columns: Vec<_> = columns.iter().map(|name| ident(name)).collect();
        let table = qualified(schema, table);
        let _ = writeln!(out, "grant select ({}) on {table} to {ROLE};", columns.join(", "));
    }
    let mut schemas = BTreeSet::new();
    for what in &watch.platform {
        let Some((table, columns)) = what.split_once(' ') else { continue };
        if let Some((schema, _)) = table.split_once('.')
            && schemas.insert(schema)
        {
            let _ = writeln!(out, "grant usage on schema {schema} to {ROLE};");
        }
        let _ = writeln!(out, "grant select {columns} on {table} to {ROLE};");
    }
    out
}
