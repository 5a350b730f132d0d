//! Functions and procedures: whether they compile, and how they handle errors.

use crate::check::Seen;
use crate::check::{BASE, Check, How, Need, Section, Severity};
use crate::look::{Look, Refusal};
use crate::verdict::shown;

const ROUTINE: Check = Check { section: Section::Schema, ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "function_does_not_compile",
        severity: Severity::Error,
        asks: "functions in PL/pgSQL that fail when they are called, by plpgsql_check",
        says: "the function `{object}`, line {line}: {message}",
        why: "the call fails, at the time when somebody needs it",
        mend: "mend the function {object}: {hint}",
        needs: &[Need::Extension("plpgsql_check")],
        how: How::Asked(compiled),
        ..ROUTINE
    },
    Check {
        name: "function_swallows_errors",
        severity: Severity::Info,
        asks: "functions that catch every error and do nothing",
        says: "the function `{object}` catches every error and does nothing",
        why: "what failed looks as if it were done",
        mend: "name the errors that are expected in {object}, or raise again",
        how: How::Query(
            "select p.oid::regprocedure::text as object
             from pg_catalog.pg_proc p
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
             where p.prosrc ~* '\\mexception\\s+when\\s+others\\s+then\\s+(null\\s*;\\s*)?end\\M' and {my_function} order by 1",
        ),
        ..ROUTINE
    },
    Check {
        name: "dynamic_sql_concatenated",
        asks: "functions that put a statement together from texts without quoting them",
        says: "the function `{object}` executes a statement that it puts together with `||`, and quotes nothing",
        why: "whoever gives the text gives the statement",
        mend: "format('… %I … %L', …), or execute … using …, in {object}",
        section: Section::Security,
        how: How::Query(
            "select p.oid::regprocedure::text as object
             from pg_catalog.pg_proc p
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
             where p.prosrc ~* '\\mexecute\\s+[^;]*\\|\\|' and p.prosrc !~* '\\m(quote_ident|quote_literal|quote_nullable|format)\\s*\\('
               and {my_function} order by 1",
        ),
        ..ROUTINE
    },
    Check {
        name: "function_of_untrusted_language",
        asks: "functions in languages that reach past the database",
        says: "the function `{object}` is written in `{language}`",
        why: "it reads files, starts programs and reaches the network, as the server",
        mend: "drop routine {object}; or the same in a trusted language",
        section: Section::Security,
        how: How::Query(
            "select p.oid::regprocedure::text as object, l.lanname as language
             from pg_catalog.pg_proc p
             join pg_catalog.pg_namespace n on n.oid = p.pronamespace
             join pg_catalog.pg_language l on l.oid = p.prolang and not l.lanpltrusted and l.lanname <> 'internal'
             where {my_function} order by 1",
        ),
        ..ROUTINE
    },
];

/// Has plpgsql_check look at each function; those of triggers at the tables of their triggers.
fn compiled(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let place = look.ask(
        "select n.nspname from pg_catalog.pg_extension x join pg_catalog.pg_namespace n on n.oid = x.extnamespace
         where x.extname = 'plpgsql_check'",
    )?;
    let schema = place.first().and_then(|row| row.get("nspname")).map(shown).unwrap_or_default();
    let check = specc_sql::quote::qualified(&schema, "plpgsql_check_function_tb");
    let all = look.ask(
        "select p.oid::regprocedure::text as object, p.oid::text as id, coalesce(t.tgrelid, 0)::text as relation,
                t.tgoldtable as old, t.tgnewtable as new
         from pg_catalog.pg_proc p
         join pg_catalog.pg_namespace n on n.oid = p.pronamespace
         join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
         left join pg_catalog.pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
         where {my_function} and (p.prorettype <> 'trigger'::regtype or t.oid is not null) order by 1, 3",
    )?;
    let mut seen = Seen::default();
    for function in &all {
        let text = |column: &str| function.get(column).filter(|value| !value.is_null()).map(shown);
        let mut arguments = vec![text("id").unwrap_or_default(), text("relation").unwrap_or_default()];
        for (column, name) in [("old", "oldtable"), ("new", "newtable")] {
            arguments.extend(text(column).map(|table| format!("{name} => {}", specc_sql::quote::text(&table))));
        }
        let object = text("object").unwrap_or_default();
        let sql = format!(
            "select {} as object, coalesce(lineno::text, '?') as line, message, coalesce(hint, detail, 'see the line') as hint
             from {check}({}) where level = 'error'",
            specc_sql::quote::text(&object),
            arguments.join(", ")
        );
        match look.try_ask(&sql)? {
            Ok(rows) => seen.rows.extend(rows),
            Err(why) => seen.unseen.push(format!("{object}: {why}")),
        }
    }
    Ok(seen)
}
