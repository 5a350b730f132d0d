//! The statements that make a catalog from nothing, in order.

use crate::down;
use crate::parts::{Part, parts};
use rustc_hash::{FxHashMap, FxHashSet};
use specc_catalog::{Catalog, Cycle, Entry, IdRef, Kind, Object, Order, Privilege, Rls, Rule, Strength, Table, order};
use specc_sql::{Access, Named, Privileges, Statement};

/// Statements in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<'a> {
    /// What they make or drop.
    pub catalog: &'a Catalog,
    /// One after the other.
    pub steps: Vec<Step<'a>>,
}

/// A statement and where it belongs.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// What is done.
    pub statement: Statement<'a>,
    /// The file.
    pub part: Part,
    /// The object that it is done for, by its place in the catalog.
    pub object: u32,
    /// The object that it is a part of (a policy's table, a grant's object), where that is in the catalog.
    pub owner: Option<u32>,
}

impl Step<'_> {
    /// The table or view (of a grant: the object) that a reader would look for it under, by its place in the catalog.
    pub(crate) fn home(&self, catalog: &Catalog) -> Option<u32> {
        let (_, entry) = catalog.at(self.object as usize)?;
        let home = match &entry.object {
            Object::Table(_) | Object::View(_) => return Some(self.object),
            Object::Grant(grant) => catalog.index_of(&grant.on),
            object => {
                let table = object.table()?;
                let view = || catalog.find(IdRef::new(Kind::View, &table.schema, &table.name));
                catalog.find(IdRef::table(table)).or_else(view)
            }
        };
        home.map(|home| home as u32)
    }
}

impl<'a> Plan<'a> {
    /// The statements.
    pub fn statements(&self) -> impl ExactSizeIterator<Item = &Statement<'a>> {
        self.steps.iter().map(|step| &step.statement)
    }
}

/// The statements that make everything of `catalog` in a database that has nothing of it.
///
/// # Errors
/// Objects that need each other.
pub fn plan_create(catalog: &Catalog) -> Result<Plan<'_>, Cycle> {
    let order = order(catalog)?;
    let parts = parts(catalog, &order);
    let mut planner = Planner::new(catalog, &order, &parts);
    for &object in order.sequence() {
        planner.make(object);
    }
    let mut steps = planner.steps;
    group_access(catalog, &order, &mut steps);
    // Stable: within a part the order stays.
    steps.sort_by_key(|step| step.part);
    Ok(Plan { catalog, steps })
}

/// The statements that take back [`plan_create`], in reverse; what can stay or has to is left out.
///
/// # Errors
/// Objects that need each other.
pub fn plan_drop(catalog: &Catalog) -> Result<Plan<'_>, Cycle> {
    let up = plan_create(catalog)?;
    let steps = down::reverse(&up, &Part::ALL).into_iter().filter_map(|undo| match undo {
        down::Undone::Step(step) => Some(step),
        down::Undone::Says(_) => None,
    });
    Ok(Plan { catalog, steps: steps.collect() })
}

struct Planner<'a, 'o> {
    catalog: &'a Catalog,
    parts: &'o [Part],
    steps: Vec<Step<'a>>,
    /// Constraints that stand in their table.
    inline: FxHashMap<u32, Vec<u32>>,
    inlined: Vec<bool>,
    /// Columns whose default waits, by table.
    late: FxHashMap<u32, Vec<&'a str>>,
    /// What is done as soon as an object is there.
    after: FxHashMap<u32, Vec<Statement<'a>>>,
    /// Functions that everyone may call.
    public: FxHashSet<u32>,
}

impl<'a, 'o> Planner<'a, 'o> {
    fn new(catalog: &'a Catalog, order: &'o Order, parts: &'o [Part]) -> Self {
        let mut planner = Self {
            catalog,
            parts,
            steps: Vec::with_capacity(catalog.len() * 3 / 2),
            inline: FxHashMap::default(),
            inlined: vec![false; catalog.len()],
            late: FxHashMap::default(),
            after: FxHashMap::default(),
            public: FxHashSet::default(),
        };
        let mut places = vec![0_u32; catalog.len()];
        for (place, &object) in order.sequence().iter().enumerate() {
            places[object as usize] = place as u32;
        }
        planner.defer_defaults(order, &places);
        planner.tie_sequences(&places);
        planner.find_public();
        planner.find_inline(order, places);
        planner
    }

    fn entry(&self, object: u32) -> Option<&'a Entry> {
        self.catalog.at(object as usize).map(|(_, entry)| entry)
    }

    /// Defaults that call a function which needs the table.
    fn defer_defaults(&mut self, order: &Order, places: &[u32]) {
        let mut waits: FxHashMap<(u32, usize), u32> = FxHashMap::default();
        for &(table, function) in order.late_defaults() {
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
        for (index, (id, entry)) in self.catalog.iter().enumerate() {
            if id.kind != Kind::Sequence {
                continue;
            }
            let Object::Sequence(o) = &entry.object else { continue };
            let Some((table, _)) = &o.owned_by else { continue };
            let owner = self.catalog.find(IdRef::table(table)).unwrap_or(index);
            let last = if places[owner] > places[index] { owner } else { index };
            self.after.entry(last as u32).or_default().push(Statement::OwnSequence(o));
        }
    }

    fn find_public(&mut self) {
        for (id, entry) in self.catalog.iter() {
            if id.kind != Kind::Grant {
                continue;
            }
            let Object::Grant(o) = &entry.object else { continue };
            if o.to == "public" && o.on.kind == Kind::Function {
                self.public.extend(self.catalog.index_of(&o.on).map(|index| index as u32));
            }
        }
    }

    /// A constraint stands in its table if all it needs is there before the table, or stands in it too.
    fn find_inline(&mut self, order: &Order, mut places: Vec<u32>) {
        for &object in order.sequence() {
            let Some(Entry { object: Object::Constraint(o), .. }) = self.entry(object) else { continue };
            let Some(table) = self.catalog.find(IdRef::table(&o.table)) else { continue };
            let place = places[table];
            let fits = order.needs(object).all(|(need, _)| places[need as usize] <= place);
            if fits && !o.not_valid && self.parts[object as usize] == self.parts[table] {
                places[object as usize] = place;
                self.inlined[object as usize] = true;
                self.inline.entry(table as u32).or_default().push(object);
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

    fn push(&mut self, object: u32, owner: Option<u32>, statement: Statement<'a>) {
        let part = self.parts[object as usize];
        self.steps.push(Step { statement, part, object, owner });
    }

    fn make(&mut self, object: u32) {
        let Some(entry) = self.entry(object) else { return };
        let own = Some(object);
        match &entry.object {
            Object::Table(table) => self.table(object, table, entry),
            Object::Constraint(_) if self.inlined[object as usize] => return,
            Object::Grant(grant) => {
                let on = self.catalog.index_of(&grant.on).map(|index| index as u32);
                self.grant(object, on, &grant.on, &grant.privileges, &grant.to);
            }
            Object::Seed(seed) => {
                let table = match self.catalog.get(&seed.table.id()).map(|entry| &entry.object) {
                    Some(Object::Table(table)) => Some(table),
                    _ => None,
                };
                self.push(object, None, Statement::InsertSeed { seed, table });
                if let Some(column) = &seed.restart {
                    self.push(object, None, Statement::AdvanceSequence { table: &seed.table, column });
                }
            }
            Object::Sql(sql) => self.push(object, None, Statement::RunSql(sql)),
            other => {
                let owner = other.table().and_then(|table| self.catalog.find(IdRef::table(table)));
                self.push(object, owner.map(|owner| owner as u32), Statement::Create(other));
                match other {
                    Object::Function(_) => {
                        let everyone = (!self.public.contains(&object)).then_some("public");
                        self.revoke(object, other, everyone);
                    }
                    Object::View(_) | Object::Sequence(_) => self.revoke(object, other, None),
                    _ => {}
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
        for column in table.columns.iter().filter(|column| column.storage.is_some()) {
            self.push(object, own, Statement::SetStorage { table: name, column });
        }
        if let Some(identity) = &table.replica_identity {
            self.push(object, own, Statement::SetReplicaIdentity { table: name, identity: Some(identity) });
        }
        if table.rls != Rls::Off {
            self.push(object, own, Statement::SetRls { table: name, from: Rls::Off, to: table.rls });
        }
        self.revoke(object, &entry.object, None);
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
        let given = self.catalog.default_grantees.iter().map(|role| role.as_str());
        let roles: Vec<_> = everyone.into_iter().chain(given).collect();
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
        let start = self.steps.len().saturating_sub(8);
        for step in self.steps[start..].iter_mut().rev() {
            let Statement::Grant(access) = &mut step.statement else { break };
            let same = step.owner == owner && step.part == part && (owner.is_some() || access.on == named);
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

/// Brings the grants and policies of each table together, where nothing but they themselves stands between them.
fn group_access(catalog: &Catalog, order: &Order, steps: &mut [Step<'_>]) {
    let kind = |object: u32| catalog.at(object as usize).map_or(Kind::Sql, |(id, _)| id.kind);
    let grouped = |object: u32| matches!(kind(object), Kind::Policy | Kind::Grant);
    // Whatever needs a grant or policy must stay after them.
    let mut behind = vec![false; catalog.len()];
    for &object in order.sequence() {
        let needs = || order.needs(object).filter(|&(_, strength)| strength != Strength::Wish);
        if grouped(object) {
            if needs().any(|(need, _)| behind[need as usize]) {
                return;
            }
        } else {
            behind[object as usize] = needs().any(|(need, _)| grouped(need) || behind[need as usize]);
        }
    }
    let mut places = vec![u32::MAX; catalog.len()];
    for (place, &object) in order.sequence().iter().enumerate() {
        places[object as usize] = place as u32;
    }
    // Schemas come before tables, and functions last: as they stand in the order of creation.
    steps.sort_by_cached_key(|step| {
        if step.part != Part::Access {
            return (0, 0, 0);
        }
        if grouped(step.object) {
            let (rank, place) = match step.home(catalog) {
                Some(owner) => (if kind(owner) == Kind::Schema { 0 } else { 1 }, places[owner as usize]),
                None => (0, 0),
            };
            return (2, rank, place);
        }
        (if behind[step.object as usize] || kind(step.object) == Kind::PublicationTable { 3 } else { 1 }, 0, 0)
    });
}
