//! What changes something that is there.

use super::types::{collate, push_type, sequence_options};
use super::{access, alter_column, alter_table, by_id, named, number, table, table_name};
use crate::alter::Alter;
use crate::layout::push_parens;
use crate::quote::{dollar, ident, literal, push_ident, push_literal, push_qualified, qualified};
use crate::statement::Named;
use smol_str::SmolStr;
use specc_catalog::{
    Column, Composite, Constraint, Domain, Extension, Kind, Object, ObjectId, Policy, Role, Rule, Sequence,
    SequenceOptions, TableName,
};

/// Triggers are for what users write: the time of the last change, counts and audits are not a backfill's to touch. Who may
/// not say so fills with them. Rows that a policy hides are rows too: whoever cannot see them is refused.
fn quiet(indent: &str) -> String {
    let lines = [
        SEES_ALL,
        "begin",
        "  set local session_replication_role = replica;",
        "exception when insufficient_privilege then",
        "  null;",
        "end;",
    ];
    lines.iter().map(|line| format!("{indent}{line}\n")).collect()
}

/// Where row level security is forced on the owner, Postgres refuses what would not see every row.
const SEES_ALL: &str = "set local row_security = off;";

/// Pages of a backfill that are written in one transaction.
const PAGES: usize = 16;

pub(super) fn alter(out: &mut String, o: &Alter<'_>) {
    match o {
        Alter::Rename { from, to } => rename(out, from, to),
        Alter::RenamePart { of, from, to, .. } => rename_part(out, of, from, to),
        Alter::AddColumn { table, column, .. } => add_column(out, table, column),
        Alter::DropColumn { table, column, .. } => {
            alter_table(out, table);
            out.push_str("drop column ");
            push_ident(out, &column.name);
        }
        Alter::SetType { table, from, to, using } => {
            alter_column(out, table, &from.name);
            out.push_str("set data type ");
            push_type(out, &to.ty);
            collate(out, to.collation.as_deref());
            if let Some(using) = using {
                out.push_str("\n  using ");
                out.push_str(using);
            }
        }
        Alter::SetNotNull { table, column, .. } => {
            alter_column(out, table, column);
            out.push_str("set not null");
        }
        Alter::DropNotNull { table, column } => {
            alter_column(out, table, column);
            out.push_str("drop not null");
        }
        Alter::SetIdentity { table, column, from, to } => identity(out, table, column, *from, *to),
        Alter::CopySequence { table, from, to } => {
            let name = literal(&qualified(&table.schema, &table.name));
            let sequence = |column: &str| format!("pg_get_serial_sequence({name}, {})", literal(column));
            out.push_str(&format!("select setval({}, nextval({}))", sequence(to), sequence(from)));
        }
        Alter::RefuseLabels { table, column, labels } => refuse_labels(out, table, column, labels),
        Alter::DropExpression { table, column } => {
            alter_column(out, table, &column.name);
            out.push_str("drop expression");
        }
        Alter::SetCompression { table, column } => {
            alter_column(out, table, &column.name);
            out.push_str("set compression ");
            out.push_str(column.compression.as_deref().unwrap_or("default"));
        }
        Alter::SetOptions { of, from, to } => options(out, of, from, to),
        Alter::SetLogged { table, logged } => {
            alter_table(out, table);
            out.push_str(if *logged { "set logged" } else { "set unlogged" });
        }
        Alter::AddNotValid(o) => {
            add_constraint(out, o);
            out.push_str(" not valid");
        }
        Alter::AddUsingIndex(o, index) => using_index(out, o, index),
        Alter::Backfill { table, set, pending, divided } => backfill(out, table, set, pending, *divided),
        Alter::AddLabel { ty, label, before } => {
            alter_type(out, &ty.schema, &ty.name);
            out.push_str("add value ");
            push_literal(out, label);
            if let Some(before) = before {
                out.push_str(" before ");
                push_literal(out, before);
            }
        }
        Alter::SetSequence { from, to } => sequence(out, from, to),
        Alter::SetPolicy { from, to } => policy(out, from, to),
        Alter::SetRole { from, to } => role(out, from, to),
        Alter::SetExtension { from, to } => extension(out, from, to),
        Alter::SetTrigger(o) => {
            alter_table(out, &o.table);
            out.push_str(match o.enabled.as_str() {
                "disabled" => "disable trigger ",
                "replica" => "enable replica trigger ",
                "always" => "enable always trigger ",
                _ => "enable trigger ",
            });
            push_ident(out, &o.name);
        }
        Alter::Attach { partition } => {
            if let Some((parent, bounds)) = &partition.partition_of {
                alter_table(out, parent);
                out.push_str("attach partition ");
                table_name(out, &partition.table);
                out.push_str("\n  ");
                table::bounds(out, bounds);
            }
        }
        Alter::Inherit { table, parent, inherits } => {
            alter_table(out, table);
            out.push_str(if *inherits { "inherit " } else { "no inherit " });
            table_name(out, parent);
        }
        Alter::Detach { partition } => {
            if let Some((parent, _)) = &partition.partition_of {
                alter_table(out, parent);
                out.push_str("detach partition ");
                table_name(out, &partition.table);
            }
        }
        Alter::DomainDefault(_)
        | Alter::DomainNull(..)
        | Alter::DropDomainCheck(..)
        | Alter::AddDomainCheck(..)
        | Alter::ValidateDomainCheck(..) => domain(out, o),
        Alter::AddAttribute(..) | Alter::DropAttribute(..) | Alter::SetAttribute(..) => attribute(out, o),
    }
}

fn alter_type(out: &mut String, schema: &str, name: &str) {
    out.push_str("alter type ");
    push_qualified(out, schema, name);
    out.push(' ');
}

fn rename(out: &mut String, from: &Object, to: &str) {
    match from {
        Object::Constraint(o) => {
            alter_table(out, &o.table);
            out.push_str("rename constraint ");
            push_ident(out, &o.name);
        }
        other => {
            out.push_str("alter ");
            named(out, Named::Object(other));
            out.push_str(" rename");
        }
    }
    out.push_str(" to ");
    push_ident(out, to);
}

fn rename_part(out: &mut String, of: &ObjectId, from: &str, to: &str) {
    out.push_str("alter ");
    by_id(out, of);
    match of.kind {
        Kind::Enum => {
            out.push_str(" rename value ");
            push_literal(out, from);
            out.push_str(" to ");
            return push_literal(out, to);
        }
        Kind::Composite => out.push_str(" rename attribute "),
        _ => out.push_str(" rename column "),
    }
    push_ident(out, from);
    out.push_str(" to ");
    push_ident(out, to);
}

fn add_column(out: &mut String, table: &TableName, column: &Column) {
    alter_table(out, table);
    out.push_str("add column ");
    push_ident(out, &column.name);
    out.push(' ');
    push_type(out, &column.ty);
    if let Some(method) = &column.compression {
        out.push_str(" compression ");
        out.push_str(method);
    }
    collate(out, column.collation.as_deref());
    table::column_rest(out, column, false);
}

fn identity(
    out: &mut String,
    table: &TableName,
    column: &str,
    from: Option<&(bool, SequenceOptions)>,
    to: Option<&(bool, SequenceOptions)>,
) {
    alter_column(out, table, column);
    match (from, to) {
        (_, None) => out.push_str("drop identity"),
        (None, Some((always, options))) => {
            out.push_str(if *always {
                "add generated always as identity"
            } else {
                "add generated by default as identity"
            });
            let before = out.len();
            sequence_options(out, options);
            if out.len() > before {
                out.replace_range(before..=before, " (");
                out.push(')');
            }
        }
        (Some((was, old)), Some((always, new))) => {
            let start = out.len();
            if was != always {
                out.push_str(if *always { "set generated always" } else { "set generated by default" });
            }
            let mut numbers = String::new();
            changed_options(&mut numbers, old, new, " set ");
            if out.len() == start {
                out.push_str(numbers.trim_start());
            } else {
                out.push_str(&numbers);
            }
        }
    }
}

/// What is not as it was, each after `lead`.
fn changed_options(out: &mut String, from: &SequenceOptions, to: &SequenceOptions, lead: &str) {
    let mut one = |a: Option<i64>, b: Option<i64>, word: &str, default: &str| {
        if a != b {
            out.push_str(lead);
            match b {
                Some(b) => {
                    out.push_str(word);
                    out.push(' ');
                    number(out, b);
                }
                None => out.push_str(default),
            }
        }
    };
    one(from.increment, to.increment, "increment by", "increment by 1");
    one(from.min, to.min, "minvalue", "no minvalue");
    one(from.max, to.max, "maxvalue", "no maxvalue");
    // What Postgres takes where nothing is said; `alter` alone would leave the number as it is.
    let usual = |o: &SequenceOptions| match o.increment {
        Some(by) if by < 0 => o.max.unwrap_or(-1),
        _ => o.min.unwrap_or(1),
    };
    let start = |o: &SequenceOptions| Some(o.start.unwrap_or_else(|| usual(o)));
    one(start(from), start(to), "start with", "");
    one(from.cache, to.cache, "cache", "cache 1");
    if from.cycle != to.cycle {
        out.push_str(lead);
        out.push_str(if to.cycle { "cycle" } else { "no cycle" });
    }
}

fn sequence(out: &mut String, from: &Sequence, to: &Sequence) {
    let start = out.len();
    out.push_str("alter sequence ");
    push_qualified(out, &to.schema, &to.name);
    if from.ty != to.ty {
        out.push_str(" as ");
        match &to.ty {
            Some(ty) => push_type(out, ty),
            None => out.push_str("bigint"),
        }
    }
    changed_options(out, &from.options, &to.options, " ");
    if let Some(outside) = outside(from, to) {
        let change = out.split_off(start);
        let name = qualified(&to.schema, &to.name);
        // Numbers that it has not reached yet are left out, so that it goes on at its new start.
        let body = format!(
            "\nbegin\n  if (select last_value {outside} from {name}) then\n    {change} restart;\n  else\n    {change};\n  \
             end if;\nend\n"
        );
        out.push_str("do ");
        out.push_str(&dollar(&body));
    }
}

/// When a sequence has not come as far as its numbers begin afterwards: Postgres would refuse the bounds.
fn outside(from: &Sequence, to: &Sequence) -> Option<String> {
    let down = |o: &Sequence| o.options.increment.is_some_and(|by| by < 0);
    let least = |o: &Sequence| {
        o.options.min.unwrap_or(match o.ty.as_ref().map(|ty| ty.name.as_str()) {
            _ if !down(o) => 1,
            Some("smallint") => i64::from(i16::MIN),
            Some("int") => i64::from(i32::MIN),
            _ => i64::MIN,
        })
    };
    let most = |o: &Sequence| {
        o.options.max.unwrap_or(match o.ty.as_ref().map(|ty| ty.name.as_str()) {
            _ if down(o) => -1,
            Some("smallint") => i64::from(i16::MAX),
            Some("int") => i64::from(i32::MAX),
            _ => i64::MAX,
        })
    };
    match down(to) {
        false if least(to) > least(from) => Some(format!("< {}", least(to))),
        true if most(to) < most(from) => Some(format!("> {}", most(to))),
        _ => None,
    }
}

fn options(out: &mut String, of: &Object, from: &[(SmolStr, SmolStr)], to: &[(SmolStr, SmolStr)]) {
    let start = |out: &mut String| {
        out.push_str("alter ");
        named(out, Named::Object(of));
    };
    let set: Vec<_> = to.iter().filter(|option| !from.contains(option)).cloned().collect();
    let reset: Vec<_> = from.iter().filter(|(name, _)| !to.iter().any(|(other, _)| other == name)).collect();
    if !set.is_empty() {
        start(out);
        out.push_str(" set (");
        table::parameters(out, &set);
        out.push_str(");\n");
    }
    if !reset.is_empty() {
        start(out);
        out.push_str(" reset (");
        super::separated(out, &reset, ", ", |out, (name, _)| out.push_str(name));
        out.push_str(");\n");
    }
}

fn add_constraint(out: &mut String, o: &Constraint) {
    alter_table(out, &o.table);
    out.truncate(out.len() - 1);
    out.push_str("\n  add ");
    table::constraint(out, o);
}

fn using_index(out: &mut String, o: &Constraint, index: &str) {
    alter_table(out, &o.table);
    out.truncate(out.len() - 1);
    out.push_str("\n  add constraint ");
    push_ident(out, &o.name);
    out.push_str(if matches!(o.rule, Rule::PrimaryKey { .. }) { " primary key" } else { " unique" });
    out.push_str(" using index ");
    push_ident(out, index);
    if o.deferrable || o.initially_deferred {
        out.push_str(" deferrable");
    }
    if o.initially_deferred {
        out.push_str(" initially deferred");
    }
}

/// Walks the table's pages and commits after each few of them: nobody waits long for a row, and what is done stays done.
/// Rows that someone else has locked are passed over, and come in the next round.
fn backfill(out: &mut String, table: &TableName, set: &[(&str, &str)], pending: &str, divided: bool) {
    let mut name = String::new();
    table_name(&mut name, table);
    let mut assignments = String::new();
    super::separated(&mut assignments, set, ", ", |out, (column, value)| {
        push_ident(out, column);
        out.push_str(" = ");
        out.push_str(value);
    });
    let body = if divided {
        // A page is a page of one partition.
        let update = format!(
            "update %1$s set {} where ctid = any (array(select ctid from %1$s where ctid >= '(%2$s,0)' and ctid < '(%3$s,0)' and ({}) for update skip locked))",
            assignments.replace('%', "%%"),
            pending.replace('%', "%%"),
        );
        format!(
            "
declare
  part regclass;
  page bigint;
begin
  loop
    for part in select relid from pg_partition_tree({tree}) where isleaf loop
      page := 0;
      while page < pg_relation_size(part) / current_setting('block_size')::int loop
{quiet}        execute format({update}, part, page, page + {PAGES});
        commit;
        page := page + {PAGES};
      end loop;
    end loop;
    exit when not exists (select from {name} where {pending});
    perform pg_sleep(0.05);
  end loop;
end
",
            tree = literal(&name),
            update = literal(&update),
            quiet = quiet("        "),
        )
    } else {
        format!(
            "
declare
  page bigint;
  pages bigint;
begin
  loop
    page := 0;
    pages := pg_relation_size({regclass}) / current_setting('block_size')::int;
    while page < pages loop
{quiet}      update only {name}
      set {assignments}
      where ctid = any (array(
        select ctid from only {name}
        where ctid >= format('(%s,0)', page)::tid and ctid < format('(%s,0)', page + {PAGES})::tid
          and {pending}
        for update skip locked
      ));
      commit;
      page := page + {PAGES};
    end loop;
    exit when not exists (select from only {name} where {pending});
    perform pg_sleep(0.05);
  end loop;
end
",
            regclass = literal(&name),
            quiet = quiet("      "),
        )
    };
    out.push_str("do ");
    out.push_str(&dollar(&body));
}

fn domain(out: &mut String, o: &Alter<'_>) {
    let start = |out: &mut String, domain: &Domain| {
        out.push_str("alter domain ");
        push_qualified(out, &domain.schema, &domain.name);
        out.push(' ');
    };
    match o {
        Alter::DomainDefault(domain) => {
            start(out, domain);
            match &domain.default {
                Some(default) => {
                    out.push_str("set default ");
                    out.push_str(&default.text);
                }
                None => out.push_str("drop default"),
            }
        }
        Alter::DomainNull(domain, _) => {
            start(out, domain);
            out.push_str(if domain.nullable { "drop not null" } else { "set not null" });
        }
        Alter::DropDomainCheck(domain, name) => {
            start(out, domain);
            out.push_str("drop constraint ");
            push_ident(out, name);
        }
        Alter::AddDomainCheck(domain, (name, check)) => {
            start(out, domain);
            out.push_str("\n  add constraint ");
            push_ident(out, name);
            out.push_str(" check ");
            push_parens(out, &check.text, 2);
            out.push_str(" not valid");
        }
        Alter::ValidateDomainCheck(domain, name, _) => {
            start(out, domain);
            out.push_str("validate constraint ");
            push_ident(out, name);
        }
        _ => {}
    }
}

fn attribute(out: &mut String, o: &Alter<'_>) {
    let start = |out: &mut String, ty: &Composite| alter_type(out, &ty.schema, &ty.name);
    match o {
        Alter::AddAttribute(ty, (name, data, collation)) => {
            start(out, ty);
            out.push_str("add attribute ");
            push_ident(out, name);
            out.push(' ');
            push_type(out, data);
            collate(out, collation.as_ref());
        }
        Alter::DropAttribute(ty, name) => {
            start(out, ty);
            out.push_str("drop attribute ");
            push_ident(out, name);
        }
        Alter::SetAttribute(ty, (name, data, collation)) => {
            start(out, ty);
            out.push_str("alter attribute ");
            push_ident(out, name);
            out.push_str(" set data type ");
            push_type(out, data);
            collate(out, collation.as_ref());
        }
        _ => {}
    }
}

fn policy(out: &mut String, from: &Policy, to: &Policy) {
    out.push_str("alter policy ");
    push_ident(out, &to.name);
    out.push_str(" on ");
    table_name(out, &to.table);
    if from.roles != to.roles {
        out.push_str("\n  to ");
        if to.roles.is_empty() {
            out.push_str("public");
        } else {
            access::names_of_roles(out, &to.roles);
        }
    }
    for (word, a, b) in [("using", &from.using, &to.using), ("with check", &from.check, &to.check)] {
        if let Some(b) = b.as_ref().filter(|_| a != b) {
            out.push_str("\n  ");
            out.push_str(word);
            out.push(' ');
            push_parens(out, &b.text, 2);
        }
    }
}

fn role(out: &mut String, from: &Role, to: &Role) {
    // What is not said is as Postgres has it by default.
    let defaults = [
        ("superuser", "nosuperuser"),
        ("createdb", "nocreatedb"),
        ("createrole", "nocreaterole"),
        ("noinherit", "inherit"),
        ("login", "nologin"),
        ("replication", "noreplication"),
        ("bypassrls", "nobypassrls"),
    ];
    let mut changed: Vec<&str> =
        to.options.iter().filter(|option| !from.options.contains(option)).map(SmolStr::as_str).collect();
    for option in from.options.iter().filter(|option| !to.options.contains(option)) {
        match defaults.iter().find(|(name, _)| name == option) {
            Some((_, default)) => changed.push(default),
            None if option.starts_with("connection limit") => changed.push("connection limit -1"),
            None => {}
        }
    }
    if !changed.is_empty() {
        out.push_str("alter role ");
        push_ident(out, &to.name);
        for option in changed {
            out.push(' ');
            out.push_str(option);
        }
        out.push_str(";\n");
    }
    let mut member = |verb: &str, group: &str, word: &str| {
        out.push_str(verb);
        push_ident(out, group);
        out.push_str(word);
        push_ident(out, &to.name);
        out.push_str(";\n");
    };
    for group in to.member_of.iter().filter(|group| !from.member_of.contains(group)) {
        member("grant ", group, " to ");
    }
    for group in from.member_of.iter().filter(|group| !to.member_of.contains(group)) {
        member("revoke ", group, " from ");
    }
}

fn extension(out: &mut String, from: &Extension, to: &Extension) {
    let start = |out: &mut String| {
        out.push_str("alter extension ");
        push_ident(out, &to.name);
    };
    if from.schema != to.schema && !to.schema.is_empty() {
        start(out);
        out.push_str(" set schema ");
        push_ident(out, &to.schema);
        out.push_str(";\n");
    }
    if from.version != to.version {
        start(out);
        out.push_str(" update");
        if let Some(version) = &to.version {
            out.push_str(" to ");
            push_literal(out, version);
        }
        out.push_str(";\n");
    }
}

fn refuse_labels(out: &mut String, table: &TableName, column: &Column, labels: &[&str]) {
    let name = qualified(&table.schema, &table.name);
    let list: Vec<String> = labels.iter().map(|label| literal(label)).collect();
    let column_name = ident(&column.name);
    let holds = match column.ty.dims {
        0 => format!("{column_name} in ({})", list.join(", ")),
        _ => format!("{column_name}::text[] && array[{}]", list.join(", ")),
    };
    let message = format!(
        "{}.{} still holds {} of the type {}.{}",
        table.name,
        column.name,
        labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" or "),
        column.ty.schema,
        column.ty.name
    );
    let body = format!(
        "\nbegin\n  {SEES_ALL}\n  if exists (select from {name} where {holds}) then\n    raise exception using message = {},\n      \
         hint = {};\n  end if;\nend\n",
        literal(&message),
        literal("that label goes: give those rows another one first, then run this again"),
    );
    out.push_str("-- What rows still hold cannot go.\ndo ");
    out.push_str(&dollar(&body));
}
