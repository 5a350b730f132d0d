//! What `pg_dump` says of a database: an observer who knows nothing of our catalog.

use crate::scratch::ScratchError;
use crate::words::{lines, said};
use specc_postgres::{Address, Session, programs};
use specc_runner::Script;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// Partitions that the calendar made, by what each is a part of and its bounds: the schema and the name.
pub type Rolled = BTreeMap<(String, String), (String, String)>;

/// The partitions that the calendar made.
///
/// # Errors
/// Where the server refuses the query.
pub fn rolled(session: &mut Session) -> Result<Rolled, ScratchError> {
    const ROLLED: &str = "\
select p.oid::pg_catalog.regclass::text, pg_catalog.pg_get_expr(c.relpartbound, c.oid), n.nspname::text, c.relname::text \
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
join pg_catalog.pg_inherits i on i.inhrelid = c.oid join pg_catalog.pg_class p on p.oid = i.inhparent \
where c.relispartition \
  and pg_catalog.starts_with(coalesce(pg_catalog.obj_description(c.oid, 'pg_class'), ''), $1)";
    let rows = session.query(ROLLED, &[&specc_catalog::ROLLED]).map_err(|error| said(&error))?;
    Ok(rows.iter().map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3)))).collect())
}

/// The statements that would make the database's objects, whatever their order and that of columns, but for some tables.
///
/// # Errors
/// Where there is no `pg_dump` that fits the server, or it fails.
pub fn statements(
    session: &mut Session,
    address: &Address,
    without: &[&(String, String)],
) -> Result<BTreeSet<String>, ScratchError> {
    const VERSION: &str = "select pg_catalog.current_setting('server_version_num')::int / 10000";
    let row = session.query_one(VERSION, &[]).map_err(|error| said(&error))?;
    let major = u32::try_from(row.get::<_, i32>(0)).unwrap_or_default();
    let install = programs::for_server(major)?;
    let mut args = vec!["--schema-only".to_owned(), "--no-password".to_owned()];
    // Within quotes nothing of a name is a pattern.
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let table = |(schema, name): &&(String, String)| format!("--exclude-table={}.{}", quoted(schema), quoted(name));
    args.extend(without.iter().map(table));
    let mut text = String::new();
    programs::stream(&install, "pg_dump", Some(address), &args, |output| -> Result<(), ScratchError> {
        output.read_to_string(&mut text).map_err(|error| ScratchError::Postgres(format!("pg_dump: {error}"))).map(drop)
    })?;
    // Words to `psql`, not to the server.
    let is_sql = |line: &&str| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ");
    let sql: String = text.lines().filter(is_sql).flat_map(|line| [line, "\n"]).collect();
    let script = Script::read(&sql).map_err(|error| ScratchError::Postgres(format!("pg_dump: {error}")))?;
    Ok(script.steps.iter().map(|step| comparable(&step.text)).collect())
}

/// Without the order of columns, and without names that nobody reads.
fn comparable(statement: &str) -> String {
    if statement.starts_with("CREATE POLICY ") {
        return without_names_of_calls(statement);
    }
    if !statement.starts_with("CREATE TABLE ") {
        return if statement.starts_with("CREATE ") { parameters_sorted(statement) } else { Cow::Borrowed(statement) }
            .into_owned();
    }
    let mut all: Vec<_> = lines(statement)
        .map(|line| match line.starts_with("WITH (") {
            true => parameters_sorted(line),
            false => without_its_name(line.trim_end_matches(',')),
        })
        .collect();
    if all.len() > 2 {
        let last = all.len() - 1;
        all[1..last].sort_unstable();
    }
    all.join("\n")
}

/// Storage parameters in the order of their names: one that was set later stands behind.
fn parameters_sorted(text: &str) -> Cow<'_, str> {
    let sorted = text.rfind("WITH (").and_then(|at| {
        let (start, rest) = text.split_at(at + "WITH (".len());
        let (list, end) = rest.split_once(')')?;
        let mut all: Vec<&str> = list.split(", ").collect();
        let are_parameters = all.iter().all(|one| one.contains('=') && !one.contains('('));
        all.sort_unstable();
        are_parameters.then(|| format!("{start}{}){end}", all.join(", ")))
    });
    sorted.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// A column's line without the name of what makes it required: Postgres 18 takes it from the names of before, and nobody reads it.
fn without_its_name(line: &str) -> Cow<'_, str> {
    let named = line.match_indices(" CONSTRAINT ").find_map(|(at, word)| {
        let name = &line[at + word.len()..];
        let end = match name.strip_prefix('"') {
            Some(quoted) => 1 + quoted.replace("\"\"", "__").find('"')? + 1,
            None => name.find(' ')?,
        };
        name[end..].starts_with(" NOT NULL").then_some((at, &name[end..]))
    });
    named.map_or(Cow::Borrowed(line), |(at, rest)| Cow::Owned(format!("{}{rest}", &line[..at])))
}

/// A policy without what Postgres calls the value of `(select f())`: the name that `f` had when the policy was made.
fn without_names_of_calls(policy: &str) -> String {
    let mut parts = policy.split("() AS ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = match part.strip_prefix('"') {
            Some(quoted) => quoted.replace("\"\"", "__").find('"').map(|end| 1 + end + 1),
            None => part.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$'),
        };
        out.push_str("()");
        match end.filter(|end| part[*end..].starts_with(')')) {
            Some(end) => out.push_str(&part[end..]),
            None => out.extend([" AS ", part]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{parameters_sorted, without_its_name, without_names_of_calls};

    #[test]
    fn what_a_call_gives_has_no_name_in_a_policy() {
        let all = [
            ("USING ((a = ( SELECT p.f() AS g)))", "USING ((a = ( SELECT p.f())))"),
            ("USING ((a = ( SELECT p.f() AS \"G \"\"h i\")))", "USING ((a = ( SELECT p.f())))"),
            ("USING ((a = ANY (( SELECT p.f() AS g)::uuid[])))", "USING ((a = ANY (( SELECT p.f())::uuid[])))"),
            ("USING ((a IN ( SELECT p.f() AS g FROM t)))", "USING ((a IN ( SELECT p.f() AS g FROM t)))"),
            ("USING ((a = 'f() AS '::text))", "USING ((a = 'f() AS '::text))"),
        ];
        for (policy, plain) in all {
            assert_eq!(without_names_of_calls(policy), plain);
        }
    }

    #[test]
    fn parameters_stand_in_one_order() {
        let all = [
            (
                "WITH (fillfactor='70', autovacuum_enabled='false')",
                "WITH (autovacuum_enabled='false', fillfactor='70')",
            ),
            (
                "CREATE INDEX i ON t USING btree (a) WITH (b=x, a=y) WHERE (c)",
                "CREATE INDEX i ON t USING btree (a) WITH (a=y, b=x) WHERE (c)",
            ),
            ("CREATE VIEW v AS SELECT 1 WITH (now())", "CREATE VIEW v AS SELECT 1 WITH (now())"),
        ];
        for (text, sorted) in all {
            assert_eq!(parameters_sorted(text), sorted);
        }
    }

    #[test]
    fn what_makes_a_column_required_has_no_name() {
        let all = [
            ("    a integer CONSTRAINT items_b_not_null NOT NULL", "    a integer NOT NULL"),
            ("    a text DEFAULT 'x'::text CONSTRAINT \"A \"\"b c\" NOT NULL", "    a text DEFAULT 'x'::text NOT NULL"),
            ("    CONSTRAINT positive CHECK ((a > 0))", "    CONSTRAINT positive CHECK ((a > 0))"),
            ("    a integer NOT NULL", "    a integer NOT NULL"),
        ];
        for (line, plain) in all {
            assert_eq!(without_its_name(line), plain);
        }
    }
}
