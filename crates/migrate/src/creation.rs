//! The statements that make objects, in the order of what they need.

use crate::place::NewPlace;
use crate::schedule::Part;
use rustc_hash::{FxHashMap, FxHashSet};
use specc_catalog::{
    Catalog, Constraint, Cycle, Entry, IdRef, Kind, Object, Order, Privilege, Rls, Rule, Table, TableName, order,
};
use specc_sql::{Access, Alter, Named, Privileges, Statement};
use std::collections::BTreeMap;

/// A statement and where it belongs.
#[derive(Clone, Debug)]
pub(crate) struct Made<'a> {
    /// What is done.
    pub statement: Statement<'a>,
    /// The object that it is done for, by its place in the catalog.
    pub object: u32,
    /// The object that it is a part of (a policy's table, a grant's object), where that is in the catalog.
    pub owner: Option<u32>,
}

impl Made<'_> {
    pub fn place(&self) -> NewPlace {
        NewPlace::new(self.object)
    }

    pub fn owner(&self) -> Option<NewPlace> {
        self.owner.map(NewPlace::new)
    }
}

/// What makes some objects of a catalog.
pub(crate) struct Creation<'a> {
    /// In order.
    pub steps: Vec<Made<'a>>,
    /// Constraints that stand in the statement of their table, and that table.
    pub inlined: Vec<(u32, u32)>,
}

/// The statements that make some objects of `catalog` where all others are there already.
///
/// # Errors
/// Objects that need each other.
pub(crate) fn create_some<'a>(catalog: &'a Catalog, only: &[bool]) -> Result<Creation<'a>, Cycle> {
    let order = order(catalog)?;
    // One migration, one part: what comes first is decided by edges.
    let parts = vec![Part::Schema; catalog.len()];
    let creator = Creator::new(catalog, &order, &parts, Some(only));
    let mut inlined: Vec<(u32, u32)> = Vec::new();
    for (&table, constraints) in &creator.inline {
        inlined.extend(constraints.iter().map(|&constraint| (constraint, table)));
    }
    inlined.sort_unstable();
    Ok(Creation { steps: creator.run().into_iter().flatten().collect(), inlined })
}

pub(crate) struct Creator<'a, 'o> {
    catalog: &'a Catalog,
    order: &'o Order,
    parts: &'o [Part],
    /// Only these.
    only: Option<&'o [bool]>,
    /// By part.
    steps: [Vec<Made<'a>>; Part::ALL.len()],
    /// Constraints that stand in their table.
    inline: BTreeMap<u32, Vec<u32>>,
    inlined: Vec<bool>,
    /// Primary keys, by table.
    primary: FxHashMap<u32, &'a Constraint>,
    /// Columns whose default waits, by table.
    late: FxHashMap<u32, Vec<&'a str>>,
    /// What is done as soon as an object is there.
    after: FxHashMap<u32, Vec<Statement<'a>>>,
    /// Functions that everyone may call.
    public: FxHashSet<u32>,
    /// Roles that own something.
    owners: FxHashSet<&'a str>,
}

/// Gives an object to its owner, or to who applies.
pub(crate) fn set_owner<'a>(catalog: &Catalog, of: &'a Object, owner: Option<&'a str>) -> Statement<'a> {
    let schema = of.id().schema;
    let lend = owner.is_some_and(|owner| catalog.lends(&schema, owner));
    Statement::SetOwner { of, owner, lend }
}

/// Takes what default privileges gave on the sequence of an identity column.
pub(crate) fn revoke_identity<'a>(
    catalog: &'a Catalog,
    table: &'a TableName,
    column: &'a str,
) -> Option<Statement<'a>> {
    let roles: Vec<_> = catalog.default_grantees.sequences.iter().map(|role| role.as_str()).collect();
    let access = Access { on: Named::Identity(table, column), privileges: Privileges::All, roles };
    (!access.roles.is_empty()).then_some(Statement::Revoke(access))
}

/// Roles that own something, by name.
pub(crate) fn owners(catalog: &Catalog) -> FxHashSet<&str> {
    catalog.iter().filter_map(|(_, entry)| entry.owner.as_deref()).collect()
}

impl<'a, 'o> Creator<'a, 'o> {
    pub fn new(catalog: &'a Catalog, order: &'o Order, parts: &'o [Part], only: Option<&'o [bool]>) -> Self {
        let mut creator = Self {
            catalog,
            order,
            parts,
            only,
            steps: Default::default(),
            inline: BTreeMap::new(),
            inlined: vec![false; catalog.len()],
            primary: FxHashMap::default(),
            late: FxHashMap::default(),
            after: FxHashMap::default(),
            public: FxHashSet::default(),
            owners: owners(catalog),
        };
        // Grown step by step, the largest of them would be copied when there is least room for that.
        for (part, steps) in creator.steps.iter_mut().enumerate() {
            steps.reserve(2 * parts.iter().filter(|of| **of as usize == part).count());
        }
        let mut places = vec![0_u32; catalog.len()];
        for (place, &object) in order.sequence().iter().enumerate() {
            places[object as usize] = place as u32;
        }
        creator.defer_defaults(order, &places);
        creator.tie_sequences(&places);
        creator.find_public();
        creator.find_inline(order, places);
        creator
    }

    /// Makes everything, in order.
    pub fn run(mut self) -> [Vec<Made<'a>>; Part::ALL.len()] {
        for &object in self.order.sequence() {
            if self.wants(object) {
                self.make(object);
            }
        }
        self.steps
    }

    fn wants(&self, object: u32) -> bool {
        self.only.is_none_or(|only| only[object as usize])
    }

    fn entry(&self, object: u32) -> Option<&'a Entry> {
        self.catalog.at(object as usize).map(|(_, entry)| entry)
    }

    /// Defaults that call a function which needs the table.
    fn defer_defaults(&mut self, order: &Order, places: &[u32]) {
        let mut waits: FxHashMap<(u32, usize), u32> = FxHashMap::default();
        for &(table, function) in order.late_defaults() {
            // Where the function is there already, nothing has to wait for it.
            if !self.wants(table) || !self.wants(function) {
                continue;
            }
            let (Some(Entry { object: Object::Table(o), .. }), Some((id, _))) =
                (self.entry(table), self.catalog.at(function as usize))
            else {
                continue;
            };
            for (n, column) in o.columns.iter().enumerate() {
                if column.default.as_ref().is_some_and(|default| default.text.contains(id.name.as_str())) {
                    let last = waits.entry((table, n)).or_insert(function);
                    if places[function as usize] > places[*last as usize] {
                        *last = function;
                    }
                }
            }
        }
        let mut waits: Vec<_> = waits.into_iter().collect();
        waits.sort_unstable();
        for ((table, n), function) in waits {
            let Some(Entry { object: Object::Table(o), .. }) = self.entry(table) else { continue };
            let column = &o.columns[n];
            self.late.entry(table).or_default().push(&column.name);
            let set = Statement::SetDefault { table: &o.table, column: &column.name, default: column.default.as_ref() };
            self.after.entry(function).or_default().push(set);
        }
    }

    /// A sequence is tied to its column when both are there.
    fn tie_sequences(&mut self, places: &[u32]) {
        for index in 0..self.catalog.len() {
            if self.order.kind(index as u32) != Kind::Sequence || !self.wants(index as u32) {
                continue;
            }
            let Some(Entry { object: Object::Sequence(o), .. }) = self.entry(index as u32) else { continue };
            let Some((table, _)) = &o.owned_by else { continue };
            let owner = self.catalog.find(IdRef::table(table)).unwrap_or(index);
            let last = if places[owner] > places[index] && self.wants(owner as u32) { owner } else { index };
            let steps = self.after.entry(last as u32).or_default();
            // Postgres ties it to a table of the same owner only.
            if let Some((_, entry @ Entry { owner: Some(role), .. })) = self.catalog.at(owner).filter(|_| last == index)
                && matches!(entry.object, Object::Table(_))
                && let Some((_, own)) = self.catalog.at(index)
            {
                steps.push(set_owner(self.catalog, &own.object, Some(role)));
            }
            steps.push(Statement::OwnSequence(o));
        }
    }

    fn find_public(&mut self) {
        for index in 0..self.catalog.len() as u32 {
            // Mostly a look at the graph: the grants on tables are many.
            let Some(on) = self.order.home(index) else { continue };
            if self.order.kind(index) != Kind::Grant || self.order.kind(on) != Kind::Function {
                continue;
            }
            let Some(Entry { object: Object::Grant(o), .. }) = self.entry(index) else { continue };
            if o.to == "public" {
                self.public.insert(on);
            }
        }
    }

    /// A constraint stands in its table if all it needs is there before the table, or stands in it too.
    fn find_inline(&mut self, order: &Order, mut places: Vec<u32>) {
        let constraints = order.sequence().iter().filter(|&&object| order.kind(object) == Kind::Constraint);
        for &object in constraints.clone() {
            if let (Some(Entry { object: Object::Constraint(o), .. }), Some(table)) =
                (self.entry(object), order.home(object))
                && matches!(o.rule, Rule::PrimaryKey { .. })
            {
                self.primary.insert(table, o);
            }
        }
        for &object in constraints {
            if !self.wants(object) {
                continue;
            }
            let Some(Entry { object: Object::Constraint(o), .. }) = self.entry(object) else { continue };
            let Some(table) = order.home(object).filter(|&table| self.wants(table)) else { continue };
            let place = places[table as usize];
            let fits = order.needs(object).all(|(need, _)| places[need as usize] <= place);
            if fits
                && !o.not_valid
                && !self.has_twin(o, table)
                && self.parts[object as usize] == self.parts[table as usize]
            {
                places[object as usize] = place;
                self.inlined[object as usize] = true;
                self.inline.entry(table).or_default().push(object);
            }
        }
        for constraints in self.inline.values_mut() {
            let rank = |object: &u32| match self.catalog.at(*object as usize).map(|(_, entry)| &entry.object) {
                Some(Object::Constraint(o)) => match o.rule {
                    Rule::PrimaryKey { .. } => 0,
                    Rule::Unique { .. } => 1,
                    Rule::Check { .. } => 2,
                    Rule::Exclude { .. } => 3,
                    Rule::ForeignKey(_) => 4,
                },
                _ => 5,
            };
            constraints.sort_by_key(rank);
        }
    }

    /// Whether the table's statement has a key over the same columns: Postgres makes one key of two that stand in it.
    fn has_twin(&self, constraint: &Constraint, table: u32) -> bool {
        let Rule::Unique { columns, include, nulls_not_distinct } = &constraint.rule else { return false };
        let is_twin = |other: &Constraint| match &other.rule {
            Rule::PrimaryKey { columns: c, include: i } => c == columns && i == include && !nulls_not_distinct,
            rule => *rule == constraint.rule,
        };
        let inline = self.inline.get(&table).into_iter().flatten().filter_map(|&object| self.entry(object));
        let mut inline = inline.filter_map(|entry| match &entry.object {
            Object::Constraint(other) => Some(other),
            _ => None,
        });
        // A primary key may come later in the order, and stands in the statement all the same.
        inline.any(is_twin) || self.primary.get(&table).is_some_and(|key| is_twin(key))
    }

    fn push(&mut self, object: u32, owner: Option<u32>, statement: Statement<'a>) {
        self.steps[self.parts[object as usize] as usize].push(Made { statement, object, owner });
    }

    fn make(&mut self, object: u32) {
        if self.inlined[object as usize] {
            return;
        }
        let Some(entry) = self.entry(object) else { return };
        let own = Some(object);
        match &entry.object {
            Object::Table(table) => self.table(object, table, entry),
            Object::Grant(grant) => {
                let on = self.order.home(object);
                self.grant(object, on, &grant.on, &grant.privileges, &grant.to);
            }
            Object::Seed(seed) => {
                let table = match self.order.home(object).and_then(|table| self.entry(table)).map(|e| &e.object) {
                    Some(Object::Table(table)) => Some(&**table),
                    _ => None,
                };
                self.push(object, None, Statement::InsertSeed { seed, table });
                if let Some(column) = &seed.restart {
                    self.push(object, None, Statement::AdvanceSequence { table: &seed.table, column });
                }
            }
            Object::Sql(sql) => self.push(object, None, Statement::RunSql(sql)),
            other => {
                self.push(object, self.order.home(object), Statement::Create(other));
                match other {
                    Object::Function(_) => {
                        let everyone = (!self.public.contains(&object)).then_some("public");
                        self.revoke(object, other, everyone);
                    }
                    Object::Role(role) if self.owners.contains(role.name.as_str()) => {
                        self.push(object, own, Statement::Join(role));
                    }
                    Object::Trigger(trigger) if !trigger.enabled.is_empty() => {
                        self.push(object, own, Statement::Alter(Alter::SetTrigger(trigger)));
                    }
                    _ => self.revoke(object, other, None),
                }
                if let Some(text) = &entry.comment {
                    let on = Named::Object(other);
                    self.push(object, own, Statement::Comment { on, text: Some(text) });
                }
            }
        }
        for statement in self.after.remove(&object).unwrap_or_default() {
            self.push(object, own, statement);
        }
        // A sequence is tied before its table goes to another owner, and goes with it.
        if let Some(owner) = &entry.owner {
            self.push(object, own, set_owner(self.catalog, &entry.object, Some(owner)));
        }
    }

    fn table(&mut self, object: u32, table: &'a Table, entry: &'a Entry) {
        let own = Some(object);
        let inline = self.inline.remove(&object).unwrap_or_default();
        let constraints = inline.iter().filter_map(|&constraint| match self.entry(constraint).map(|e| &e.object) {
            Some(Object::Constraint(o)) => Some(o),
            _ => None,
        });
        let constraints = constraints.collect();
        let late_defaults = self.late.remove(&object).unwrap_or_default();
        self.push(object, None, Statement::CreateTable { table, constraints, late_defaults });
        let name = &table.table;
        for column in &table.columns {
            for setting in column.settings() {
                self.push(object, own, Statement::SetColumn { table: name, column, setting });
            }
        }
        if let Some(identity) = &table.replica_identity {
            self.push(object, own, Statement::SetReplicaIdentity { table: name, identity: Some(identity) });
        }
        if table.rls != Rls::Off {
            self.push(object, own, Statement::SetRls { table: name, from: Rls::Off, to: table.rls });
        }
        self.revoke(object, &entry.object, None);
        let identities = table.columns.iter().filter(|column| column.identity.is_some());
        for column in identities {
            if let Some(access) = revoke_identity(self.catalog, name, &column.name) {
                self.push(object, own, access);
            }
        }
        if let Some(text) = &entry.comment {
            self.push(object, own, Statement::Comment { on: Named::Object(&entry.object), text: Some(text) });
        }
        for column in &table.columns {
            if let Some(text) = &column.comment {
                let statement = Statement::CommentColumn { table: name, column: &column.name, text: Some(text) };
                self.push(object, own, statement);
            }
        }
        for constraint in inline {
            if let Some(Entry { object: on, comment: Some(text), .. }) = self.entry(constraint) {
                self.push(object, own, Statement::Comment { on: Named::Object(on), text: Some(text) });
            }
        }
    }

    /// Takes what default privileges may have given.
    fn revoke(&mut self, index: u32, object: &'a Object, everyone: Option<&'a str>) {
        let given = self.catalog.default_grantees.of(object.id().kind).iter().map(|role| role.as_str());
        let roles: Vec<_> = everyone.into_iter().chain(given.filter(|role| Some(*role) != everyone)).collect();
        if !roles.is_empty() {
            let access = Access { on: Named::Object(object), privileges: Privileges::All, roles };
            self.push(index, Some(index), Statement::Revoke(access));
        }
    }

    /// The same for several roles is one statement.
    fn grant(
        &mut self,
        index: u32,
        owner: Option<u32>,
        on: &'a specc_catalog::ObjectId,
        privileges: &'a [Privilege],
        to: &'a str,
    ) {
        let named = match owner.and_then(|owner| self.entry(owner)) {
            Some(entry) => Named::Object(&entry.object),
            None => Named::Id(on),
        };
        let part = self.parts[index as usize];
        for step in self.steps[part as usize].iter_mut().rev().take(8) {
            let Statement::Grant(access) = &mut step.statement else { break };
            let same = step.owner == owner && (owner.is_some() || access.on == named);
            if !same {
                break;
            }
            if access.privileges == Privileges::Some(privileges) {
                return access.roles.push(to);
            }
        }
        let access = Access { on: named, privileges: Privileges::Some(privileges), roles: vec![to] };
        self.push(index, owner, Statement::Grant(access));
    }
}
