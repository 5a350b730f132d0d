//! `create table`, columns and constraints.

use super::rows;
use crate::cursor::{Cursor, DEEP};
use crate::name::Name;
use crate::statement::{Column, Constraint, CreateTable, Kind, What};

/// After `create table`.
pub(super) fn create(words: &mut Cursor<'_>, temporary: bool, foreign: bool) -> Option<What> {
    let _ = words.take("if not exists");
    let mut table = CreateTable::new(words.name()?);
    table.temporary = temporary;
    table.foreign = foreign;
    if words.take("of") {
        table.of = words.name();
        table.open = true;
    }
    if words.take("partition of") {
        let parent = words.name()?;
        let _ = words.group();
        table.partition_of = Some((parent, words.sees(0, "default")));
        table.open = true;
    } else if let Some(group) = words.group() {
        for mut item in group.items() {
            if item.take("like") {
                table.open = true;
            } else if let Some(constraint) = constraint(&mut item.clone()) {
                table.constraints.push(constraint);
            } else if let Some(column) = column(&mut item) {
                table.columns.push(column);
            }
        }
    }
    while !words.is_done() {
        if words.take("partition by") {
            table.partitioned = true;
        } else if words.take("as") {
            table.open = true;
            table.filled = (!words.has(&["no"]) || !words.has(&["data"])).then(|| rows::tables(words));
        } else if words.take("inherits") {
            table.open = true;
        } else {
            words.skip_whole();
        }
    }
    Some(What::CreateTable(Box::new(table)))
}

/// Cursor that begin the next option of a column.
const OPTIONS: [&str; 14] = [
    "constraint",
    "not",
    "null",
    "default",
    "check",
    "unique",
    "primary",
    "references",
    "generated",
    "collate",
    "deferrable",
    "initially",
    "storage",
    "compression",
];

/// A column with its options.
pub(super) fn column(words: &mut Cursor<'_>) -> Option<Column> {
    let name = words.ident()?;
    let from = words.mark();
    // made from a query, a column may have no type
    let ty = if words.is_done() { None } else { words.ty() };
    let ty_place = words.place(from);
    let mut column = Column {
        name,
        ty,
        ty_place,
        collation: None,
        not_null: false,
        default: None,
        generated: false,
        stored: None,
        identity: None,
        constraints: Vec::new(),
    };
    while !words.is_done() {
        option(words, &mut column);
    }
    Some(column)
}

fn option(words: &mut Cursor<'_>, column: &mut Column) {
    let from = words.mark();
    let mut name = None;
    if words.take("constraint") {
        name = words.ident();
    }
    let own = words.mark();
    if words.take("not null") {
        column.not_null = true;
    } else if words.take("null") {
    } else if words.take("default") {
        let start = words.mark();
        words.skip_whole();
        while !words.is_done() && !words.is_any(&OPTIONS) {
            words.skip_whole();
        }
        let (place, text) = (words.place(start), words.since(start).as_written());
        column.default = Some((text.to_string(), place));
    } else if words.take("generated") {
        let _ = words.take("always") || words.take("by default");
        let _ = words.take("as");
        if words.take("identity") {
            let _ = words.group();
            column.identity = Some(words.place(own));
            column.not_null = true;
        } else {
            let _ = words.group();
            column.generated = true;
            if !words.take("virtual") {
                let _ = words.take("stored");
                column.stored = Some(words.place(own));
            }
        }
    } else if words.take("collate") {
        column.collation = words.name().map(|name| name.name);
    } else if words.take("references") {
        if let Some(target) = words.name() {
            let _ = words.group();
            while !words.is_done() && (!words.is_any(&OPTIONS) || words.sees(0, "not") && words.sees(1, "valid")) {
                // `set null`, `set default`
                if !(words.take("set null") || words.take("set default")) {
                    words.skip();
                }
            }
            let kind = Kind::Foreign { columns: vec![column.name.clone()], target };
            column.constraints.push(Constraint { name, kind, not_valid: false, place: words.place(from) });
        }
    } else if words.take("check") {
        let proves = words.group().map(|group| proves(group, DEEP)).unwrap_or_default();
        let _ = words.take("no inherit");
        column.constraints.push(Constraint {
            name,
            kind: Kind::Check { proves },
            not_valid: false,
            place: words.place(from),
        });
    } else if words.take("primary key") {
        column.not_null = true;
        let kind = Kind::Primary { columns: vec![column.name.clone()], using_index: None };
        column.constraints.push(Constraint { name, kind, not_valid: false, place: words.place(from) });
    } else if words.take("unique") {
        let kind = Kind::Unique { columns: vec![column.name.clone()], using_index: None };
        column.constraints.push(Constraint { name, kind, not_valid: false, place: words.place(from) });
    } else {
        words.skip_whole();
    }
}

/// The columns that a check proves to be not null: `a is not null and b is not null`. Postgres reads `is distinct from null` as the
/// same, and of a composite it says no more than that.
fn proves(mut words: Cursor<'_>, depth: usize) -> Vec<String> {
    let whole = words.clone();
    if depth > 0 && words.sees_symbol(0, b'(') {
        let inner = words.group();
        if words.is_done() {
            return inner.map(|inner| proves(inner, depth - 1)).unwrap_or_default();
        }
        words = whole;
    }
    let mut all = Vec::new();
    loop {
        let mut part = if words.sees_symbol(0, b'(') {
            match words.group() {
                Some(group) => group,
                None => return all,
            }
        } else {
            let from = words.mark();
            words.skip_to(&["and", "or"]);
            words.since(from)
        };
        if words.has(&["or"]) && words.sees(0, "or") {
            return Vec::new();
        }
        if let Some(column) = part.ident()
            && (part.take("is not null") || part.take("is distinct from null"))
            && part.is_done()
        {
            all.push(column);
        }
        if !words.take("and") {
            return all;
        }
    }
}

/// A constraint of a table, if one is here.
pub(super) fn constraint(words: &mut Cursor<'_>) -> Option<Constraint> {
    let from = words.mark();
    let name = if words.take("constraint") { words.ident() } else { None };
    let kind = if words.take("check") {
        Kind::Check { proves: words.group().map(|group| proves(group, DEEP))? }
    } else if words.take("foreign key") {
        let columns = words.ident_list();
        words.take("references").then_some(())?;
        Kind::Foreign { columns, target: words.name()? }
    } else if words.take("primary key") {
        key(words, |columns, using_index| Kind::Primary { columns, using_index })
    } else if words.take("unique") {
        key(words, |columns, using_index| Kind::Unique { columns, using_index })
    } else if words.take("exclude") {
        Kind::Exclude
    } else if words.take("not null") {
        Kind::NotNull { column: words.ident()? }
    } else {
        return None;
    };
    let mut not_valid = false;
    while !words.is_done() {
        if words.take("not valid") || words.take("not enforced") {
            not_valid = true;
        } else {
            words.skip_whole();
        }
    }
    Some(Constraint { name, kind, not_valid, place: words.place(from) })
}

fn key(words: &mut Cursor<'_>, kind: impl Fn(Vec<String>, Option<Name>) -> Kind) -> Kind {
    let _ = words.take("nulls not distinct") || words.take("nulls distinct");
    if words.take("using index") {
        return kind(Vec::new(), words.name());
    }
    kind(words.ident_list(), None)
}
