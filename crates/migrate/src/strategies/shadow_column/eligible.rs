//! Which columns can move to a shadow column of the new type.

use crate::change_set::{ChangeSet, Strategy, strategy};
use crate::place::{New, NewPlace, Old, OldPlace, Planned, State};
use crate::recreation::made_of::asks_unseen;
use crate::recreation::{constraint_reads, index_reads};
use crate::strategies::in_place::table::{is_asked, temporary_name};
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_catalog::{Column, DataType, Object, Rule, Table, TableName};
use specc_sql::{TypeChange, type_change};
use std::collections::BTreeMap;

/// Columns that move to a shadow column of the new type: it is kept equal by a trigger, filled in
/// batches, indexed and checked, and takes the old one's name in a moment.
#[derive(Debug, Default)]
pub(crate) struct Swaps<'d> {
    /// By table: the columns.
    pub tables: BTreeMap<(OldPlace, NewPlace), Vec<ColumnSwap<'d>>>,
    /// Enums and domains whose columns move.
    pub types: FxHashSet<OldPlace>,
    names: FxHashMap<TableName, Vec<SmolStr>>,
    /// Tables and columns whose old column stays.
    kept: FxHashSet<(TableName, SmolStr)>,
    /// Those types by name: the new ones have it only when the columns have moved.
    type_names: FxHashSet<(SmolStr, SmolStr)>,
}

/// A column that moves.
#[derive(Clone, Debug)]
pub(crate) struct ColumnSwap<'d> {
    pub from: &'d Column,
    pub to: &'d Column,
    /// The type goes by another name until the columns have moved.
    pub type_aside: Option<SmolStr>,
    /// The old column stays, as this.
    pub kept: Option<&'d Column>,
}

impl ColumnSwap<'_> {
    /// The new type, as it is called until the columns have moved.
    pub fn spelled(&self) -> DataType {
        let name = self.type_aside.clone().unwrap_or_else(|| self.to.ty.name.clone());
        DataType { name, ..self.to.ty.clone() }
    }
}

impl Swaps<'_> {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// Whether a type of this name is another one until the columns have moved.
    pub fn comes_late(&self, ty: &DataType) -> bool {
        !self.type_names.is_empty() && self.type_names.contains(&(ty.schema.clone(), ty.name.clone()))
    }

    /// Whether this column moves.
    pub fn moves(&self, table: &TableName, column: &str) -> bool {
        self.names.get(table).is_some_and(|columns| columns.iter().any(|other| other == column))
    }

    /// Whether this column moves, and its old one stays.
    pub fn keeps(&self, table: &TableName, column: &str) -> bool {
        !self.kept.is_empty() && self.kept.contains(&(table.clone(), column.into()))
    }

    /// Whether it is what a column becomes that stays beside the one that takes its place.
    pub fn makes(&self, table: &TableName, column: &Column) -> bool {
        !self.kept.is_empty()
            && self.tables.values().flatten().any(|swap| swap.kept.is_some_and(|kept| std::ptr::eq(kept, column)))
            && self.names.contains_key(table)
    }

    /// Whether an object of the table is over a column that moves.
    pub fn reads(&self, table: Option<&TableName>, object: &Object) -> bool {
        let Some(columns) = table.and_then(|table| self.names.get(table)) else { return false };
        columns.iter().any(|column| match object {
            Object::Constraint(o) => constraint_reads(&o.rule, column),
            Object::Index(o) => index_reads(o, column),
            _ => false,
        })
    }

    /// The columns: old place of the table, name.
    pub fn columns(&self) -> impl Iterator<Item = (OldPlace, &SmolStr)> {
        self.tables.iter().flat_map(|((old, _), all)| all.iter().map(|swap| (*old, &swap.to.name)))
    }
}

/// Which columns can move so.
pub(crate) fn swaps<'d>(set: &ChangeSet<'d>, offline: bool) -> Planned<Swaps<'d>> {
    let mut swaps = Swaps::default();
    if offline {
        return Ok(swaps);
    }
    let (from, to) = (set.from, set.to);
    let mut found: Vec<(OldPlace, NewPlace, ColumnSwap<'d>)> = Vec::new();
    let mut types: Vec<(OldPlace, SmolStr, SmolStr)> = Vec::new();
    for &(old, new) in &set.changed {
        let (a, b) = (from.entry(old)?, to.entry(new)?);
        match (&a.object, &b.object) {
            (Object::Table(x), Object::Table(y)) => {
                for column in &y.columns {
                    let before = x.columns.iter().find(|other| other.name == column.name);
                    if let Some(before) = before
                        .filter(|before| before.ty != column.ty && type_change(before, column) == TypeChange::Rewrite)
                    {
                        let kept = kept(to, x, y, column);
                        found.push((old, new, ColumnSwap { from: before, to: column, type_aside: None, kept }));
                    }
                }
            }
            (Object::Enum(o), Object::Enum(_)) if strategy(a, b) == Strategy::TypeSwap => {
                types.push((old, o.schema.clone(), o.name.clone()));
            }
            (Object::Domain(o), Object::Domain(after))
                if strategy(a, b) == Strategy::TypeSwap || asks_unseen(from, old, o, after) =>
            {
                types.push((old, o.schema.clone(), o.name.clone()));
            }
            _ => {}
        }
    }
    if found.is_empty() && types.is_empty() {
        return Ok(swaps);
    }
    let mut candidates: Vec<Candidate<'d>> =
        found.into_iter().map(|(old, new, swap)| Candidate { old, new, swap, ty: None }).collect();
    for (old, _, entry) in from.places() {
        let Object::Table(x) = &entry.object else { continue };
        // A table that goes takes its columns along.
        let Some(new) = to.index_of(&x.table.id()) else { continue };
        let y = to.table_at(new)?;
        for (ty, schema, name) in &types {
            for column in x.columns.iter().filter(|column| column.ty.schema == *schema && column.ty.name == *name) {
                let Some(after) = y.columns.iter().find(|other| other.name == column.name && other.ty == column.ty)
                else {
                    continue;
                };
                let type_aside = Some(temporary_name(&[name, "new"]));
                let swap = ColumnSwap { from: column, to: after, type_aside, kept: None };
                candidates.push(Candidate { old, new, swap, ty: Some(*ty) });
            }
        }
    }
    let eligibility = Eligibility::new(set);
    // What refers to a column moves with it, and all columns of a type move, or none.
    loop {
        let moving: FxHashSet<ColumnRef<'_>> =
            candidates.iter().filter_map(|c| Some((eligibility.table(c.old)?, c.swap.to.name.as_str()))).collect();
        let fits: Vec<bool> = candidates.iter().map(|c| eligibility.fits(c, &moving)).collect();
        if !fits.contains(&false) {
            break;
        }
        let stuck: FxHashSet<OldPlace> =
            candidates.iter().zip(&fits).filter(|(_, fits)| !**fits).filter_map(|(c, _)| c.ty).collect();
        let mut fits = fits.into_iter();
        candidates.retain(|c| fits.next() == Some(true) && c.ty.is_none_or(|ty| !stuck.contains(&ty)));
    }
    for ty in candidates.iter().filter_map(|c| c.ty) {
        swaps.types.insert(ty);
        let (id, _) = from.at(ty)?;
        swaps.type_names.insert((id.schema.clone(), id.name.clone()));
    }
    // A column may come to such a type from another one.
    for Candidate { swap, .. } in &mut candidates {
        if swap.type_aside.is_none() && swaps.comes_late(&swap.to.ty) {
            swap.type_aside = Some(temporary_name(&[&swap.to.ty.name, "new"]));
        }
    }
    candidates.sort_by(|a, b| (a.old, a.new, &a.swap.to.name).cmp(&(b.old, b.new, &b.swap.to.name)));
    for Candidate { old, new, swap, .. } in candidates {
        let table = &to.table_at(new)?.table;
        swaps.names.entry(table.clone()).or_default().push(swap.to.name.clone());
        swaps.kept.extend(swap.kept.map(|_| (table.clone(), swap.to.name.clone())));
        swaps.tables.entry((old, new)).or_default().push(swap);
    }
    Ok(swaps)
}

/// What the old column is from now on, where it stays.
fn kept<'d>(to: State<'d, New>, from: &Table, table: &'d Table, column: &Column) -> Option<&'d Column> {
    let said = &to.catalog.said.kept;
    let kept = said.iter().find(|kept| kept.table == table.table && kept.column == column.name)?;
    let is_it = |own: &&Column| own.name == kept.old;
    if from.columns.iter().any(|own| is_it(&own)) { None } else { table.columns.iter().find(is_it) }
}

/// A column that may move.
struct Candidate<'d> {
    /// Places of its table.
    old: OldPlace,
    new: NewPlace,
    swap: ColumnSwap<'d>,
    /// The enum or domain whose columns move, by its old place.
    ty: Option<OldPlace>,
}

/// A column by its table and name.
type ColumnRef<'d> = (&'d TableName, &'d str);

/// What decides whether columns can move.
struct Eligibility<'d> {
    from: State<'d, Old>,
    to: State<'d, New>,
    /// By table and column: the columns that refer to it, none where such a reference changes too.
    referring: FxHashMap<ColumnRef<'d>, Vec<Option<ColumnRef<'d>>>>,
    parents: FxHashSet<&'d TableName>,
    /// Columns of exclusion constraints: nothing takes the place of one beside it.
    excluded: FxHashMap<&'d TableName, Vec<&'d Rule>>,
}

impl<'d> Eligibility<'d> {
    fn new(set: &ChangeSet<'d>) -> Self {
        let (from, to) = (set.from, set.to);
        let relabelled: FxHashMap<OldPlace, NewPlace> = set.relabelled.iter().copied().collect();
        let removed: FxHashSet<OldPlace> = set.removed.iter().copied().collect();
        let changed: FxHashSet<OldPlace> = set.changed.iter().map(|pair| pair.0).collect();
        let mut eligibility = Self {
            from,
            to,
            referring: FxHashMap::default(),
            parents: FxHashSet::default(),
            excluded: FxHashMap::default(),
        };
        for (old, _, entry) in from.places() {
            match &entry.object {
                Object::Table(o) => eligibility.parents.extend(&o.inherits),
                Object::Constraint(o) => match &o.rule {
                    Rule::Exclude { .. } => eligibility.excluded.entry(&o.table).or_default().push(&o.rule),
                    Rule::ForeignKey(key) if relabelled.contains_key(&old) || !removed.contains(&old) => {
                        for (own, column) in key.columns.iter().zip(&key.target_columns) {
                            let own = (!changed.contains(&old)).then_some((&o.table, own.as_str()));
                            eligibility.referring.entry((&key.target, column.as_str())).or_default().push(own);
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        eligibility
    }

    fn table(&self, old: OldPlace) -> Option<&'d TableName> {
        self.from.table_at(old).ok().map(|table| &table.table)
    }

    fn fits(&self, candidate: &Candidate<'d>, moving: &FxHashSet<ColumnRef<'_>>) -> bool {
        let Ok(table) = self.from.table_at(candidate.old) else { return false };
        let swap = &candidate.swap;
        let column = swap.from.name.as_str();
        let computed = table.columns.iter().filter_map(|column| column.generated.as_ref());
        let excluded = self.excluded.get(&table.table);
        let refers = |of: &Option<ColumnRef<'d>>| {
            of.is_some_and(|of| moving.contains(&of) || self.refers_as_well(of, &swap.to.ty))
        };
        table.partition_by.is_none()
            && self.to.table(&table.table).is_none_or(|after| after.partition_by.is_none())
            && table.partition_of.is_none()
            && table.inherits.is_empty()
            && !self.parents.contains(&table.table)
            && swap.from.generated.is_none()
            && swap.to.generated.is_none()
            && !is_asked(self.to.catalog, &swap.to.ty)
            && self.referring.get(&(&table.table, column)).is_none_or(|all| all.iter().all(refers))
            && !computed.into_iter().any(|expr| expr.reads(column))
            && !excluded.is_some_and(|rules| rules.iter().any(|rule| constraint_reads(rule, column)))
    }

    /// Whether a column that stays can refer to one of this type.
    fn refers_as_well(&self, (table, column): ColumnRef<'_>, ty: &DataType) -> bool {
        let Some(table) = self.to.table(table) else { return false };
        let Some(own) = table.columns.iter().find(|other| other.name == column) else { return false };
        let plain = |ty: &DataType| ty.schema.is_empty() && ty.dims == 0;
        own.ty == *ty || plain(ty) && plain(&own.ty) && specc_facts::refers(&own.ty.name, &ty.name)
    }
}
