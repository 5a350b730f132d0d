//! Old columns that stay beside those that took their places with another type. They are in the state that a build leaves,
//! not in the spec: the next build that is not told to keep them drops them.

use crate::change_set::ChangeSet;
use crate::place::Unexpected;
use crate::strategies::casts;
use crate::strategies::in_place::backfill::{fires_last, temporary_trigger, temporary_trigger_function};
use crate::strategies::in_place::table::temporary_name;
use crate::strategies::shadow_column::eligible::swaps;
use smol_str::{SmolStr, format_smolstr};
use specc_catalog::{
    Catalog, Column, DataType, Entry, Function, Hints, IdRef, Kept, Kind, Object, ObjectId, Qualified, SqlExpr,
    TableName,
};
use specc_diff::{Difference, diff};
use specc_sql::quote::ident;
use specc_sql::{TypeChange, has_equality, push_type, type_change};
use std::borrow::Cow;
use std::fmt;

/// A column that gets another type, and whose old values cannot stay beside the new ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotKept {
    /// Of this table.
    pub table: TableName,
    /// The column.
    pub column: SmolStr,
    /// Why.
    pub why: &'static str,
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}.{}.{}`: {}", self.table.schema, self.table.name, self.column, self.why)
    }
}

/// Why old columns cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeepError {
    /// These columns.
    Columns(Vec<NotKept>),
    /// A fault of the planner.
    Unexpected(Unexpected),
}

impl From<Unexpected> for KeepError {
    fn from(unexpected: Unexpected) -> Self {
        KeepError::Unexpected(unexpected)
    }
}

/// What should exist, with the old columns that the last state still keeps.
pub fn still_kept<'c>(catalog: &'c Catalog, previous: &Catalog, hints: &Hints) -> Cow<'c, Catalog> {
    if previous.said.kept.is_empty() {
        return Cow::Borrowed(catalog);
    }
    let difference = diff(previous, catalog, hints);
    let mut made = catalog.clone();
    carry(&difference, &mut made);
    Cow::Owned(made)
}

/// What should exist, with the old columns of those that get another type in this change, and with those that are kept
/// already.
///
/// # Errors
/// Columns that have to be written anew and cannot stay.
pub fn keep_old<'c>(catalog: &'c Catalog, previous: &Catalog, hints: &Hints) -> Result<Cow<'c, Catalog>, KeepError> {
    let difference = diff(previous, catalog, hints);
    let set = ChangeSet::new(&difference);
    let swaps = swaps(&set, false)?;
    let (mut not, mut found) = (Vec::new(), Vec::new());
    for &(old, new) in &set.changed {
        let (Object::Table(x), Object::Table(y)) = (&set.from.entry(old)?.object, &set.to.entry(new)?.object) else {
            continue;
        };
        for to in &y.columns {
            let Some(from) = x.columns.iter().find(|from| from.name == to.name && from.ty != to.ty) else { continue };
            if type_change(from, to) != TypeChange::Rewrite || from.generated.is_some() {
                continue;
            }
            let name = temporary_name(&[&to.name, "old"]);
            let has = |columns: &[Column]| columns.iter().any(|column| column.name == name);
            let why = if difference.from.said.keeps(&y.table, &name) {
                Some("the column that it was before that is still kept")
            } else if has(&x.columns) || has(&y.columns) {
                Some("there is a column of the name that the old one would get")
            } else if !swaps.moves(&y.table, &to.name) {
                Some("it is changed where it is, since no second column can stand beside it")
            } else if !takes_null(&difference.from, &from.ty) {
                Some("its old type takes no null, which the old column holds where a value has no place in it")
            } else {
                None
            };
            match why {
                Some(why) => not.push(NotKept { table: y.table.clone(), column: to.name.clone(), why }),
                None => found.push((y.table.clone(), from.clone(), to.clone(), name)),
            }
        }
    }
    for ((_, new), columns) in &swaps.tables {
        let table = &set.to.table_at(*new)?.table;
        let remade = columns.iter().filter(|swap| swap.from.ty == swap.to.ty);
        let why = "its type is made anew under the same name";
        not.extend(remade.map(|swap| NotKept { table: table.clone(), column: swap.to.name.clone(), why }));
    }
    if !not.is_empty() {
        not.sort_unstable();
        not.dedup();
        return Err(KeepError::Columns(not));
    }
    if found.is_empty() && previous.said.kept.is_empty() {
        return Ok(Cow::Borrowed(catalog));
    }
    let mut made = catalog.clone();
    carry(&difference, &mut made);
    for (table, from, to, old) in found {
        let trigger = fires_last([&difference.from, &made], &table, &to.name, "keep");
        let function = temporary_name(&[&table.name, &to.name, "keep"]);
        let kept = Kept { table, column: to.name.clone(), old: old.clone(), function, trigger };
        let column = Column {
            name: old,
            nullable: true,
            default: None,
            identity: None,
            comment: Some(format_smolstr!(
                "what {} was before it got its type; a build without --keep-old drops it",
                to.name
            )),
            ..from
        };
        put(&mut made, &difference.from, kept, column, &to);
    }
    Ok(Cow::Owned(made))
}

/// Puts there what the state before still keeps, where what took its place is as it was.
fn carry(difference: &Difference<'_>, made: &mut Catalog) {
    for kept in &difference.from.said.kept {
        let (before, now) = (column(&difference.from, kept, &kept.column), column(made, kept, &kept.column));
        if let (Some(before), Some(now), Some(old), None) =
            (before, now.cloned(), column(&difference.from, kept, &kept.old), column(made, kept, &kept.old))
            && before.ty == now.ty
        {
            put(made, &difference.from, kept.clone(), old.clone(), &now);
        }
    }
}

/// A column of the table that has an old one.
fn column<'c>(catalog: &'c Catalog, kept: &Kept, name: &str) -> Option<&'c Column> {
    match &catalog.get(&kept.table.id())?.object {
        Object::Table(table) => table.columns.iter().find(|column| column.name == name),
        _ => None,
    }
}

/// Puts an old column there, with what writes to it. `before` has its type.
fn put(made: &mut Catalog, before: &Catalog, kept: Kept, column: Column, new: &Column) {
    let function = keeper(made, before, &kept, &column, new);
    if let Some(Object::Table(table)) = made.get_mut(&kept.table.id()).map(|entry| &mut entry.object) {
        let at = table.columns.iter().position(|own| own.name == kept.column).unwrap_or(table.columns.len());
        table.columns.insert(at, column);
    }
    let name = Qualified::new(function.schema.clone(), function.name.clone());
    let trigger = temporary_trigger(&kept.table, kept.trigger.clone(), name);
    for object in [Object::from(function), Object::from(trigger)] {
        made.insert(Entry::new(object));
    }
    made.said.kept.push(kept);
}

/// What writes to the old column what is written to the new one; nobody else does. What has no place in the old type is null
/// there.
fn keeper(made: &Catalog, before: &Catalog, kept: &Kept, old: &Column, new: &Column) -> Function {
    let (own, aside) = (ident(&new.name), ident(&old.name));
    let known = casts::conversion([made, before], &new.ty, &old.ty);
    let text = if has_equality(&new.ty) { "" } else { "::text" };
    let set = if known.is_some_and(|known| !known.failing) {
        format!("    new.{aside} := new.{own};\n")
    } else {
        format!(
            "    begin\n      new.{aside} := new.{own};\n    exception when others then\n      new.{aside} := null;\n    end;\n"
        )
    };
    let body = format!(
        "\nbegin\n  if tg_op = 'UPDATE' and new.{own}{text} is not distinct from old.{own}{text} then\n    new.{aside} := old.{aside};\n  \
         else\n{set}  end if;\n  return new;\nend\n"
    );
    let settings = casts::settings([made, before], &new.ty, &old.ty);
    let settings = settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    temporary_trigger_function(&kept.table.schema, &kept.function, body, settings)
}

/// What each column that changed its type becomes on the way back, where its old values are there: over the row that has
/// both.
pub(crate) fn usings_back(difference: &Difference<'_>) -> Vec<(TableName, SmolStr, SqlExpr)> {
    let (from, to) = (&*difference.from, difference.to);
    let mut all = Vec::new();
    for kept in to.said.kept.iter().filter(|kept| !from.said.keeps(&kept.table, &kept.old)) {
        let (Some(before), Some(now)) = (column(from, kept, &kept.column), column(to, kept, &kept.column)) else {
            continue;
        };
        let was = difference.renamed.iter().find_map(|renamed| match &renamed.part {
            Some((was, now)) if renamed.now == kept.table.id() && *now == kept.column => Some(was),
            _ => None,
        });
        let name = was.unwrap_or(&kept.column).clone();
        let mut text = format!("coalesce({}, {}", ident(&kept.old), ident(&name));
        if casts::conversion([to, from], &now.ty, &before.ty).is_none() {
            text.push_str("::text");
        }
        text.push_str("::");
        push_type(&mut text, &before.ty);
        text.push(')');
        let expr = SqlExpr { text: text.into(), columns: vec![kept.old.clone(), name.clone()] };
        all.push((kept.table.clone(), name, expr));
    }
    all
}

/// Whether it is what writes to an old column.
pub(crate) fn is_keeper(hints: &Hints, id: &ObjectId) -> bool {
    hints.kept.iter().any(|kept| match id.kind {
        Kind::Function => id.schema == kept.table.schema && id.name == kept.function,
        Kind::Trigger => *id == kept.table.part(Kind::Trigger, kept.trigger.clone()),
        _ => false,
    })
}

/// Whether a column of this type may hold null.
fn takes_null(catalog: &Catalog, ty: &DataType) -> bool {
    let found = catalog.find(IdRef::new(Kind::Domain, &ty.schema, &ty.name)).filter(|_| !ty.schema.is_empty());
    match found.and_then(|place| catalog.at(place)).map(|(_, entry)| &entry.object) {
        Some(Object::Domain(domain)) if ty.dims == 0 => domain.nullable && takes_null(catalog, &domain.base),
        _ => true,
    }
}
