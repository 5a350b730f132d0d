//! One edit: a statement of SQL on something that is there, chosen at random.

use specc_catalog::{Catalog, Column, Hints, Kind, Object, ObjectId, Rename, Rls, Rule, Table, TableName, View};
use specc_postgres::Session;
use specc_sql::quote::{ident, list, literal, qualified};
use specc_tests::Dice;

/// What was done.
#[derive(Default)]
pub struct Edits {
    /// The statements that Postgres took.
    pub done: Vec<String>,
    /// What is called otherwise.
    pub hints: Hints,
    /// Names of ours.
    number: usize,
}

/// A statement, and what it gives another name to.
type Edit = Option<(String, Option<Rename>)>;

/// Types, and wider or narrower ones that Postgres makes of them.
const TYPES: &[(&str, &[&str])] = &[
    ("smallint", &["integer", "bigint"]),
    ("integer", &["bigint", "numeric", "text", "smallint"]),
    ("bigint", &["integer", "numeric", "text"]),
    ("numeric", &["numeric(20, 4)", "double precision", "text"]),
    ("real", &["double precision"]),
    ("text", &["varchar(300)", "varchar"]),
    ("varchar", &["text", "varchar(400)"]),
    ("bpchar", &["text"]),
    ("boolean", &["text"]),
    ("date", &["timestamp", "text"]),
    ("timestamp", &["timestamptz", "date"]),
    ("timestamptz", &["timestamp", "timestamptz(3)"]),
    ("uuid", &["text"]),
    ("json", &["jsonb"]),
    ("jsonb", &["json", "text"]),
];

fn all<'c, T: 'c>(catalog: &'c Catalog, of: impl Fn(&'c Object) -> Option<&'c T>) -> Vec<&'c T> {
    catalog.iter().filter_map(|(_, entry)| of(&entry.object)).collect()
}

fn whole(table: &TableName) -> String {
    qualified(&table.schema, &table.name)
}

fn renamed(id: ObjectId, part: Option<&str>, was: &str) -> Option<Rename> {
    Some(Rename { id, part: part.map(Into::into), was: was.into(), was_in: None })
}

impl Edits {
    /// Makes one, if Postgres takes it.
    pub fn one(&mut self, dice: &mut Dice, catalog: &Catalog, session: &mut Session) {
        for _ in 0..8 {
            self.number += 1;
            let name = format!("x{}_{}", self.number, dice.below(1000));
            let Some((text, rename)) = edit(dice, catalog, session, &name) else { continue };
            if rename.as_ref().is_some_and(|rename| self.is_known(rename)) || session.batch_execute(&text).is_err() {
                continue;
            }
            if let Some(rename) = rename {
                self.rename(rename);
            }
            return self.done.push(text);
        }
    }

    /// Whether it was renamed before.
    fn is_known(&self, rename: &Rename) -> bool {
        let now = |other: &Rename| other.part.clone().unwrap_or_else(|| other.id.name.clone());
        self.hints.renames.iter().any(|other| now(other) == rename.was)
    }

    fn rename(&mut self, rename: Rename) {
        if rename.part.is_none() {
            let of = |other: &&mut Rename| {
                other.part.is_some()
                    && (other.id.kind, &other.id.schema, &other.id.name)
                        == (rename.id.kind, &rename.id.schema, &rename.was)
            };
            self.hints.renames.iter_mut().filter(of).for_each(|other| other.id.name.clone_from(&rename.id.name));
        }
        self.hints.renames.push(rename);
    }
}

fn edit(dice: &mut Dice, catalog: &Catalog, session: &mut Session, name: &str) -> Edit {
    let tables: Vec<&Table> = all(catalog, |object| match object {
        Object::Table(table) => Some(&**table),
        _ => None,
    });
    match dice.below(10) {
        0..=3 => {
            let table = dice.pick(&tables)?;
            let column = dice.pick(&table.columns)?;
            of_column(dice, table, column, name)
        }
        4 | 5 => of_table(dice, &tables, name),
        6 => of_key(dice, catalog, name),
        7 => of_type(dice, catalog, name),
        8 => of_function(dice, catalog, session),
        _ => of_view(dice, catalog, &tables, name),
    }
}

fn of_column(dice: &mut Dice, table: &Table, column: &Column, name: &str) -> Edit {
    let (on, own) = (whole(&table.table), ident(&column.name));
    let alter = |text: String| Some((format!("alter table {on} {text}"), None));
    match dice.below(10) {
        0 | 1 => alter(format!("drop column {own} cascade")),
        2..=4 => {
            let (_, others) = TYPES.iter().find(|(ty, _)| *ty == column.ty.name)?;
            let ty = dice.pick(others)?;
            alter(format!("alter column {own} type {ty} using {own}::{ty}"))
        }
        5 | 6 => {
            let rename = renamed(table.table.id(), Some(name), &column.name);
            Some((format!("alter table {on} rename column {own} to {name}"), rename))
        }
        7 if column.nullable => alter(format!("alter column {own} set not null")),
        7 => alter(format!("alter column {own} drop not null")),
        8 if column.default.is_some() => alter(format!("alter column {own} drop default")),
        8 => alter(format!("alter column {own} set default null")),
        _ => Some((format!("comment on column {on}.{own} is {}", literal(name)), None)),
    }
}

fn of_table(dice: &mut Dice, tables: &[&Table], name: &str) -> Edit {
    let table = dice.pick(tables)?;
    let on = whole(&table.table);
    let column = dice.pick(&table.columns);
    let own = column.map(|column| ident(&column.name).into_owned());
    let alter = |text: String| Some((format!("alter table {on} {text}"), None));
    match dice.below(16) {
        0 => alter(format!("add column {name} text")),
        1 => alter(format!("add column {name} integer not null default 3")),
        2 => alter(format!("add column {name} uuid not null default gen_random_uuid()")),
        3 => alter(format!("add column {name} bigint generated by default as identity")),
        4 => alter(format!(
            "add column {name} timestamptz default now(), add constraint {name}_c check ({name} > '2000-01-01')"
        )),
        5 => alter(format!("add constraint {name} check ({} is not null)", own?)),
        6 => alter(format!("add constraint {name} unique ({})", own?)),
        7 => Some((format!("create index {name} on {on} ({} desc)", own?), None)),
        8 => Some((format!("create unique index {name} on {on} ({0}) where {0} is not null", own?), None)),
        9 => {
            let rename = renamed(TableName::new(table.table.schema.clone(), name).id(), None, &table.table.name);
            Some((format!("alter table {on} rename to {name}"), rename))
        }
        10 => Some((format!("drop table {on} cascade"), None)),
        11 => {
            let key = column?;
            let mut ty = String::new();
            specc_sql::push_type(&mut ty, &key.ty);
            let schema = ident(&table.table.schema);
            Some((
                format!(
                    "create table {schema}.{name} (id bigint generated always as identity primary key, other {ty} \
                     references {on} ({}))",
                    own?
                ),
                None,
            ))
        }
        12 => alter(format!("{} row level security", if table.rls == Rls::Off { "enable" } else { "disable" })),
        13 => Some((format!("create policy {name} on {on} for select using ({} is not null)", own?), None)),
        14 => {
            let other = dice.pick(tables)?;
            Some((format!("create view {}.{name} as select * from {on} a", ident(&other.table.schema)), None))
        }
        _ => Some((format!("comment on table {on} is {}", literal(name)), None)),
    }
}

fn of_key(dice: &mut Dice, catalog: &Catalog, name: &str) -> Edit {
    let object = |kinds: &[Kind]| -> Vec<&Object> {
        catalog.iter().filter(|(id, _)| kinds.contains(&id.kind)).map(|(_, entry)| &entry.object).collect()
    };
    let found = object(&[Kind::Constraint, Kind::Index, Kind::Trigger, Kind::Policy]);
    let text = match dice.pick(&found)? {
        Object::Constraint(o) => {
            let (on, own) = (whole(&o.table), ident(&o.name));
            match (dice.below(3), &o.rule) {
                (0, _) => format!("alter table {on} rename constraint {own} to {name}"),
                (1, Rule::ForeignKey(key)) => {
                    format!(
                        "alter table {on} drop constraint {own}, add constraint {own} foreign key ({}) references {} ({}) \
                         on delete cascade",
                        list(&key.columns),
                        whole(&key.target),
                        list(&key.target_columns)
                    )
                }
                _ => format!("alter table {on} drop constraint {own} cascade"),
            }
        }
        Object::Index(o) => {
            let own = qualified(&o.table.schema, &o.name);
            match dice.below(2) {
                0 => format!("alter index {own} rename to {name}"),
                _ => format!("drop index {own}"),
            }
        }
        Object::Trigger(o) => {
            let (on, own) = (whole(&o.table), ident(&o.name));
            match dice.below(3) {
                0 => format!("alter trigger {own} on {on} rename to {name}"),
                1 => format!("alter table {on} disable trigger {own}"),
                _ => format!("drop trigger {own} on {on}"),
            }
        }
        Object::Policy(o) => {
            let (on, own) = (whole(&o.table), ident(&o.name));
            match dice.below(3) {
                0 => format!("alter policy {own} on {on} rename to {name}"),
                1 => format!("alter policy {own} on {on} using (false)"),
                _ => format!("drop policy {own} on {on}"),
            }
        }
        _ => return None,
    };
    Some((text, None))
}

fn of_type(dice: &mut Dice, catalog: &Catalog, name: &str) -> Edit {
    let found: Vec<&Object> = all(catalog, |object| {
        matches!(object, Object::Enum(_) | Object::Domain(_) | Object::Sequence(_) | Object::Composite(_))
            .then_some(object)
    });
    match dice.pick(&found)? {
        Object::Enum(o) => {
            let (on, label) = (qualified(&o.schema, &o.name), dice.pick(&o.labels)?);
            match dice.below(4) {
                0 => Some((format!("alter type {on} add value '{name}' before {}", literal(label)), None)),
                1 => Some((format!("alter type {on} add value '{name}'"), None)),
                2 => {
                    let id = ObjectId::new(Kind::Enum, o.schema.clone(), o.name.clone());
                    let text = format!("alter type {on} rename value {} to '{name}'", literal(label));
                    Some((text, renamed(id, Some(name), label)))
                }
                _ => {
                    let id = ObjectId::new(Kind::Enum, o.schema.clone(), name);
                    Some((format!("alter type {on} rename to {name}"), renamed(id, None, &o.name)))
                }
            }
        }
        Object::Domain(o) => {
            let on = qualified(&o.schema, &o.name);
            match dice.below(4) {
                0 => Some((format!("alter domain {on} add constraint {name} check (value is not null)"), None)),
                1 => Some((format!("alter domain {on} set not null"), None)),
                2 => {
                    let (check, _) = dice.pick(&o.checks)?;
                    Some((format!("alter domain {on} drop constraint {}", ident(check)), None))
                }
                _ => {
                    let id = ObjectId::new(Kind::Domain, o.schema.clone(), name);
                    Some((format!("alter domain {on} rename to {name}"), renamed(id, None, &o.name)))
                }
            }
        }
        Object::Composite(o) => {
            let on = qualified(&o.schema, &o.name);
            let (field, ..) = dice.pick(&o.fields)?;
            match dice.below(3) {
                0 => Some((format!("alter type {on} add attribute {name} text cascade"), None)),
                1 => Some((format!("alter type {on} drop attribute {} cascade", ident(field)), None)),
                _ => Some((format!("alter type {on} alter attribute {} type text cascade", ident(field)), None)),
            }
        }
        Object::Sequence(o) => {
            let on = qualified(&o.schema, &o.name);
            Some((format!("alter sequence {on} increment by {} cache 5", 1 + dice.below(4)), None))
        }
        _ => None,
    }
}

/// A body with a comment more, or other properties.
fn of_function(dice: &mut Dice, catalog: &Catalog, session: &mut Session) -> Edit {
    const FUNCTIONS: &str = "\
        select pg_get_functiondef(p.oid), p.oid::regprocedure::text, n.nspname::text, p.proname::text from pg_proc p \
        join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang \
        where p.prokind = 'f' and l.lanname in ('sql', 'plpgsql') and p.proowner::regrole::text = current_user \
          and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' \
          and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e') order by p.oid::regprocedure::text";
    let mut rows = session.query(FUNCTIONS, &[]).ok()?;
    let own = |schema: &str, name: &str| {
        catalog.iter().any(|(id, _)| id.kind == Kind::Function && id.schema == schema && id.name == name)
    };
    rows.retain(|row| own(row.get(2), row.get(3)));
    let row = dice.pick(&rows)?;
    let (text, on): (String, String) = (row.get(0), row.get(1));
    let text = match dice.below(4) {
        0 | 1 => text.replacen("AS $function$", "AS $function$\n-- said anew", 1),
        2 => format!("alter function {on} stable"),
        _ => format!("drop function {on} cascade"),
    };
    Some((text, None))
}

fn of_view(dice: &mut Dice, catalog: &Catalog, tables: &[&Table], name: &str) -> Edit {
    let views: Vec<&View> = all(catalog, |object| match object {
        Object::View(view) => Some(view),
        _ => None,
    });
    if let Some(view) = dice.pick(&views).filter(|_| !dice.clone().once_in(3)) {
        let (on, what) = (whole(&view.view), if view.materialized { "materialized view" } else { "view" });
        return match dice.below(4) {
            0 => Some((format!("drop {what} {on} cascade"), None)),
            1 => {
                let id = ObjectId::new(Kind::View, view.view.schema.clone(), name);
                Some((format!("alter {what} {on} rename to {name}"), renamed(id, None, &view.view.name)))
            }
            2 => Some((format!("grant select on {on} to public"), None)),
            _ => Some((format!("comment on {what} {on} is {}", literal(name)), None)),
        };
    }
    let table = dice.pick(tables)?;
    let text = match dice.below(3) {
        0 => format!("grant select, insert on {} to public", whole(&table.table)),
        1 => format!("revoke all on {} from public", whole(&table.table)),
        _ => format!("alter table {} set (fillfactor = 70)", whole(&table.table)),
    };
    Some((text, None))
}
