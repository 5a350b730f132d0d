//! The database against its spec.

use crate::check::{Area, BASE, Check, How, Need, Section, Seen, Severity};
use crate::look::{Look, Refusal, Row};
use serde_json::json;
use specc_catalog::{DataClass, Kind, Object};
use specc_sql::quote;

const SPEC: Check = Check { section: Section::Schema, ..BASE };

/// The checks.
pub const ALL: &[Check] = &[
    Check {
        name: "drift",
        severity: Severity::Error,
        area: Some(Area::Schema),
        asks: "tables, columns, constraints, functions and the like that are not as the spec says",
        says: "{object}: {how}",
        why: "the program was built and tested against another database",
        mend: "specc diff --from \"$DATABASE_URL\" --sql shows the way to the spec; specc pull the way to the database",
        needs: &[Need::Canonical],
        how: How::Asked(drift),
        ..SPEC
    },
    Check {
        name: "index_drift",
        area: Some(Area::Indexes),
        asks: "indexes that are not as the spec says",
        says: "{object}: {how}",
        why: "queries that were fast where they were tried are slow here, or the other way round",
        mend: "specc diff --from \"$DATABASE_URL\" --sql shows the way to the spec",
        needs: &[Need::Canonical],
        how: How::Asked(indexes),
        ..SPEC
    },
    Check {
        name: "policy_drift",
        severity: Severity::Error,
        section: Section::Security,
        area: Some(Area::Rls),
        asks: "policies, grants and roles that are not as the spec says",
        says: "{object}: {how}",
        why: "what `specc prove` has proven of the spec does not hold here",
        mend: "specc diff --from \"$DATABASE_URL\" --sql shows the way to the spec",
        needs: &[Need::Canonical],
        how: How::Asked(policies),
        ..SPEC
    },
    Check {
        name: "access_differs",
        severity: Severity::Error,
        section: Section::Security,
        asks: "rights that roles have in the database and not in the spec, or the other way round",
        says: "in the database, compared with the spec: {object}",
        why: "somebody may do what nobody decided, or a program fails",
        mend: "specc diff --from \"$DATABASE_URL\" --sql shows the way to the spec",
        needs: &[Need::Canonical],
        how: How::Asked(access),
        ..SPEC
    },
    Check {
        name: "bucket_differs",
        section: Section::Integration,
        asks: "buckets that are not as the spec says",
        says: "{object}: {how}",
        why: "an upload fails, or files are public that should not be",
        mend: "specc apply; or set the bucket in the dashboard as the spec has it",
        needs: &[Need::Canonical],
        how: How::Asked(buckets),
        ..SPEC
    },
    Check {
        name: "job_differs",
        section: Section::Integration,
        asks: "jobs of pg_cron that are not as the spec says",
        says: "{object}: {how}",
        why: "what is to happen at a time does not, or something else does",
        mend: "specc apply; or cron.schedule and cron.unschedule as the spec has it",
        needs: &[Need::Canonical],
        how: How::Asked(jobs),
        ..SPEC
    },
    Check {
        name: "publication_differs",
        section: Section::Integration,
        asks: "published tables that are not as the spec says",
        says: "{object}: {how}",
        why: "clients wait for changes that are not sent, or get some that are not theirs",
        mend: "alter publication … add table or drop table, as the spec has it",
        needs: &[Need::Canonical],
        how: How::Asked(published),
        ..SPEC
    },
    Check {
        name: "extension_differs",
        section: Section::Integration,
        asks: "extensions that are not as the spec says",
        says: "{object}: {how}",
        why: "functions and types that the program uses are missing, or of another version",
        mend: "create extension … as the spec has it, or the extension in the spec",
        needs: &[Need::Canonical],
        how: How::Asked(extensions),
        ..SPEC
    },
    Check {
        name: "secret_readable",
        severity: Severity::Error,
        section: Section::Security,
        area: Some(Area::Rls),
        asks: "columns of class `secret` that clients may read",
        says: "`{role}` may read `{table}.{column}`, which the spec calls a secret",
        why: "a policy chooses rows and not columns: whoever sees the row has the secret",
        mend: "revoke select ({column}) on {table} from {role}; where the grant is on the table, grant the other columns instead",
        needs: &[Need::Spec, Need::Clients],
        how: How::Asked(secrets),
        ..SPEC
    },
    Check {
        name: "person_readable_by_anyone",
        section: Section::Security,
        area: Some(Area::Rls),
        asks: "columns of class `pii` that the first of the clients' roles, who has not signed in, may read",
        says: "`{role}` may read `{table}.{column}`, which holds something of a person",
        why: "whoever has the key of the front end collects it, as far as policies let rows through",
        mend: "revoke select ({column}) on {table} from {role}; or say in the baseline why it is public",
        needs: &[Need::Spec, Need::Clients],
        how: How::Asked(persons),
        ..SPEC
    },
    Check {
        name: "access_not_audited",
        severity: Severity::Info,
        section: Section::Security,
        asks: "whether reads of personal data are audited, where the spec has columns of class `pii`",
        says: "the spec has personal data (columns of class `pii`: {columns}), and the extension `pgaudit` is not there",
        why: "after a breach nobody can say whose data was read",
        mend: "create extension pgaudit; with `shared_preload_libraries`, and pgaudit.log = 'read, write, ddl'",
        needs: &[Need::Spec],
        how: How::Asked(audited),
        ..SPEC
    },
];

/// What differs and is of these kinds.
fn of_kinds(look: &Look<'_, '_>, is: impl Fn(Kind) -> bool) -> Seen {
    let mut seen = Seen::default();
    let differences = look.subject.spec.as_ref().and_then(|spec| spec.differences.as_ref().ok());
    for change in differences.iter().flat_map(|all| &all.objects).filter(|change| is(change.kind)) {
        let mut row = Row::new();
        row.insert("object".into(), json!(change.object));
        row.insert("how".into(), json!(change.how));
        if let Some(table) = &change.table {
            row.insert("table".into(), json!(table));
        }
        seen.rows.push(row);
    }
    seen
}

fn is_elsewhere(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Index | Policy | Grant | Role | Bucket | Job | Publication | PublicationTable | Extension | Seed)
}

fn drift(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    Ok(of_kinds(look, |kind| !is_elsewhere(kind)))
}

fn indexes(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    Ok(of_kinds(look, |kind| kind == Kind::Index))
}

fn policies(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    Ok(of_kinds(look, |kind| matches!(kind, Kind::Policy | Kind::Grant | Kind::Role)))
}

fn buckets(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    Ok(of_kinds(look, |kind| kind == Kind::Bucket))
}

fn jobs(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    Ok(of_kinds(look, |kind| kind == Kind::Job))
}

fn published(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    Ok(of_kinds(look, |kind| matches!(kind, Kind::Publication | Kind::PublicationTable)))
}

fn extensions(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    Ok(of_kinds(look, |kind| kind == Kind::Extension))
}

fn access(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let differences = look.subject.spec.as_ref().and_then(|spec| spec.differences.as_ref().ok());
    let rows = differences.iter().flat_map(|all| &all.access).map(|line| {
        let mut row = Row::new();
        row.insert("object".into(), json!(line));
        row
    });
    Ok(Seen { rows: rows.collect(), unseen: Vec::new() })
}

/// Columns of a class, each with the clients' roles that may read it.
fn readable(look: &mut Look<'_, '_>, class: DataClass, roles: &[String]) -> Result<Seen, Refusal> {
    let mut columns = Vec::new();
    for (id, entry) in look.subject.spec.iter().flat_map(|spec| spec.catalog.iter()) {
        if matches!(entry.object, Object::Table(_) | Object::View(_)) {
            let such = entry.classes.iter().filter(|(_, of)| *of == class);
            columns.extend(such.map(|(column, _)| {
                format!("({}, {}, {})", quote::text(&id.schema), quote::text(&id.name), quote::text(column))
            }));
        }
    }
    if columns.is_empty() {
        return Ok(Seen::default());
    }
    let rows = look.run(format!(
        "select c.oid::regclass::text || '.' || a.attname || ' ' || r.rolname as object, c.oid::regclass::text as table,
                pg_catalog.quote_ident(a.attname) as column, pg_catalog.quote_ident(r.rolname) as role
         from (values {}) v(schema, name, col)
         join pg_catalog.pg_namespace n on n.nspname = v.schema
         join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = v.name
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = v.col and a.attnum > 0
         join pg_catalog.pg_roles r on r.rolname = any({})
           and pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
           and pg_catalog.has_column_privilege(r.oid, c.oid, a.attnum, 'select') order by 1",
        columns.join(", "),
        crate::look::names(roles)
    ))?;
    Ok(Seen { rows, unseen: Vec::new() })
}

fn secrets(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    readable(look, DataClass::Secret, &look.standing.clients)
}

fn persons(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    readable(look, DataClass::Pii, look.standing.clients.get(..1).unwrap_or_default())
}

fn audited(look: &mut Look<'_, '_>) -> Result<Seen, Refusal> {
    let entries = look.subject.spec.iter().flat_map(|spec| spec.catalog.iter());
    let columns = entries.flat_map(|(_, entry)| &entry.classes).filter(|(_, class)| *class == DataClass::Pii).count();
    if columns == 0 {
        return Ok(Seen::default());
    }
    let rows = look.run(format!(
        "select 'pgaudit' as object, {columns} as columns
         where not exists (select from pg_catalog.pg_extension x where x.extname = 'pgaudit')"
    ))?;
    Ok(Seen { rows, unseen: Vec::new() })
}
