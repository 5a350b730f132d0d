//! What an object needs, and an order in which all can be made.
//!
//! Each edge has a strength. Most needs are hard. Three are not: a body that Postgres does not read when the function
//! is made, a column default that can be set later, and the wish that a table comes after the tables it refers to, so
//! that its foreign keys can stand in it. Where needs run in a circle, the weakest give way; a circle of hard needs
//! is a [`Cycle`].

use crate::needs::{Why, visit};
use crate::{Catalog, Constraint, Dependency, Entry, IdRef, Kind, Object, ObjectId, Rule, TableName};
use petgraph::csr::Csr;
use petgraph::{Directed, visit::NodeIndexable};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use std::fmt;

/// What the structure of `object` needs.
pub(crate) fn implied(object: &Object) -> Vec<Dependency> {
    let mut all = Vec::new();
    visit(object, |on, why| all.push(Dependency { on: on.to_id(), why: why.words() }));
    all
}

/// Objects that need each other, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Each needs the next, the last the first.
    pub path: Vec<(ObjectId, Dependency)>,
}

impl fmt::Display for Cycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these need each other, so none of them can be made first:")?;
        for (id, needs) in &self.path {
            write!(f, "\n  {id} needs {} because {}", needs.on, needs.why)?;
        }
        Ok(())
    }
}

impl std::error::Error for Cycle {}

/// How much an object needs another, the weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Its foreign key could stand in the table itself.
    Wish,
    /// A body that is read only when it runs.
    Body,
    /// A default that can be set later.
    Default,
    /// It cannot be made without.
    #[default]
    Hard,
}

/// An order in which all objects of a catalog can be made, with the edges it follows. Objects are places in the
/// catalog's order of insertion.
#[derive(Clone, Debug)]
pub struct Order {
    sequence: Vec<u32>,
    kinds: Vec<Kind>,
    homes: Vec<u32>,
    graph: Csr<(), Strength, Directed, u32>,
    late_defaults: Vec<(u32, u32)>,
}

impl Order {
    /// The objects, each after all that it needs.
    pub fn sequence(&self) -> &[u32] {
        &self.sequence
    }

    /// The kind of `object`.
    pub fn kind(&self, object: u32) -> Kind {
        self.kinds.get(object as usize).copied().unwrap_or(Kind::Sql)
    }

    /// The table or view that `object` is a part of (of a grant: what it is on), where that is in the catalog.
    pub fn home(&self, object: u32) -> Option<u32> {
        self.homes.get(object as usize).copied().filter(|&home| home != NOWHERE)
    }

    /// What `object` needs.
    pub fn needs(&self, object: u32) -> impl Iterator<Item = (u32, Strength)> + '_ {
        let strengths = self.graph.edges_slice(object).iter().copied();
        self.graph.neighbors_slice(object).iter().copied().zip(strengths)
    }

    /// Tables and the functions that cannot be made before them although a column's default calls them: the default
    /// has to be set when the function is there.
    pub fn late_defaults(&self) -> &[(u32, u32)] {
        &self.late_defaults
    }
}

/// In place of the home of what has none.
const NOWHERE: u32 = u32::MAX;

/// An order in which every object comes after all that it needs; ties are broken by kind, then by order of insertion.
///
/// # Errors
/// A cycle that no later step could break.
pub fn creation_order(catalog: &Catalog) -> Result<Vec<ObjectId>, Cycle> {
    let order = order(catalog)?;
    let ids = order.sequence.iter().filter_map(|&i| catalog.at(i as usize));
    Ok(ids.map(|(id, _)| id.clone()).collect())
}

/// Like [`creation_order`], with the graph.
///
/// # Errors
/// A cycle that no later step could break.
pub fn order(catalog: &Catalog) -> Result<Order, Cycle> {
    let resolver = Resolver::new(catalog);
    let graph = graph(&resolver);
    let Resolver { kinds, homes, .. } = resolver;
    let roots = roots(catalog, &kinds, &homes);
    let mut given_up = FxHashSet::default();
    loop {
        let mut walk = Walk::new(&roots, &graph, &given_up);
        match walk.run() {
            Ok(()) => {
                let sequence = walk.sequence;
                let mut late_defaults: Vec<_> = walk
                    .ignored
                    .into_iter()
                    .chain(given_up)
                    .filter(|&(a, b)| strength(&graph, a, b) == Strength::Default)
                    .collect();
                late_defaults.sort_unstable();
                late_defaults.dedup();
                return Ok(Order { sequence, kinds, homes, graph, late_defaults });
            }
            Err(circle) => {
                let edges = || circle.iter().copied().zip(circle.iter().copied().cycle().skip(1));
                let weakest = edges().map(|(a, b)| strength(&graph, a, b)).min().unwrap_or_default();
                if weakest == Strength::Hard {
                    return Err(describe(catalog, &circle));
                }
                given_up.extend(edges().filter(|&(a, b)| strength(&graph, a, b) == weakest));
            }
        }
    }
}

fn strength(graph: &Csr<(), Strength, Directed, u32>, from: u32, to: u32) -> Strength {
    let place = graph.neighbors_slice(from).binary_search(&to);
    place.map_or(Strength::Hard, |i| graph.edges_slice(from)[i])
}

fn describe(catalog: &Catalog, circle: &[u32]) -> Cycle {
    let resolver = Resolver::new(catalog);
    let id = |i: u32| catalog.at(i as usize).map(|(id, _)| id.clone());
    let step = |n: usize| {
        let (from, to) = (circle[n], circle[(n + 1) % circle.len()]);
        let (_, entry) = catalog.at(from as usize)?;
        let mut why = SmolStr::default();
        resolver.needs(from, entry, |on, reason, _| {
            if on == to && why.is_empty() {
                why = reason.words();
            }
        });
        Some((id(from)?, Dependency { on: id(to)?, why }))
    };
    Cycle { path: (0..circle.len()).filter_map(step).collect() }
}

fn graph(resolver: &Resolver<'_>) -> Csr<(), Strength, Directed, u32> {
    const CHUNK: usize = 4096;
    let catalog = resolver.catalog;
    let starts: Vec<usize> = (0..catalog.len()).step_by(CHUNK).collect();
    let chunks: Vec<_> = starts.par_iter().map(|&start| edges(resolver, start..start + CHUNK)).collect();
    let mut edges = Vec::with_capacity(chunks.iter().map(|(edges, wishes)| edges.len() + wishes.len()).sum());
    let mut wishes = Vec::new();
    for (mut some, mut wished) in chunks {
        edges.append(&mut some);
        wishes.append(&mut wished);
    }
    if !wishes.is_empty() {
        edges.append(&mut wishes);
        // Nearly sorted: the stable sort merges the two runs.
        edges.sort_by(|a, b| (a.0, a.1, b.2).cmp(&(b.0, b.1, a.2)));
    }
    edges.dedup_by_key(|edge| (edge.0, edge.1));
    let mut graph = Csr::from_sorted_edges(&edges).unwrap_or_default();
    while graph.node_bound() < catalog.len() {
        graph.add_node(());
    }
    graph
}

type Edge = (u32, u32, Strength);

/// What the objects at these places need, and which tables would be better made first.
fn edges(resolver: &Resolver<'_>, places: std::ops::Range<usize>) -> (Vec<Edge>, Vec<Edge>) {
    let catalog = resolver.catalog;
    let mut edges = Vec::with_capacity(places.len() * 3);
    let mut wishes = Vec::new();
    for place in places {
        let Some((_, entry)) = catalog.at(place) else { break };
        let index = place as u32;
        let start = edges.len();
        resolver.needs(index, entry, |on, _, strength| {
            if on != index {
                edges.push((index, on, strength));
            }
        });
        edges[start..].sort_unstable_by(|a, b| (a.1, b.2).cmp(&(b.1, a.2)));
        if let Object::Constraint(Constraint { rule: Rule::ForeignKey(key), .. }) = &entry.object
            && let (from, Some(to)) = (resolver.homes[index as usize], catalog.find(IdRef::table(&key.target)))
            && from != NOWHERE
            && from != to as u32
        {
            wishes.push((from, to as u32, Strength::Wish));
        }
    }
    (edges, wishes)
}

/// What each object of a catalog needs, looked up one by one: for changes that touch few of many.
#[derive(Clone)]
pub struct Needs<'a>(Resolver<'a>);

impl<'a> Needs<'a> {
    /// Of this catalog.
    pub fn new(catalog: &'a Catalog) -> Self {
        Self(Resolver::new(catalog))
    }

    /// The places of what the object at `index` needs, each once, and how much.
    pub fn of(&self, index: u32) -> Vec<(u32, Strength)> {
        let mut all: Vec<(u32, Strength)> = Vec::new();
        if let Some((_, entry)) = self.0.catalog.at(index as usize) {
            self.0.needs(index, entry, |on, _, strength| {
                if on != index {
                    all.push((on, strength));
                }
            });
        }
        all.sort_unstable_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        all.dedup_by_key(|edge| edge.0);
        all
    }

    /// What the object with this id needs, each once, with reasons.
    pub fn reasons(&self, id: &ObjectId) -> Vec<Dependency> {
        let catalog = self.0.catalog;
        let mut all: Vec<Dependency> = Vec::new();
        let place = catalog.index_of(id).and_then(|index| Some((index, catalog.at(index)?.1)));
        if let Some((index, entry)) = place {
            self.0.needs(index as u32, entry, |on, why, strength| {
                let Some((id, _)) = catalog.at(on as usize) else { return };
                if strength != Strength::Wish && !all.iter().any(|d| d.on == *id) {
                    all.push(Dependency { on: id.clone(), why: why.words() });
                }
            });
        }
        all
    }

    /// The object that the one at `index` is a part of.
    pub fn home(&self, index: u32) -> Option<u32> {
        self.0.homes.get(index as usize).copied().filter(|&home| home != NOWHERE)
    }
}

/// Finds in the catalog what an entry needs.
#[derive(Clone)]
struct Resolver<'a> {
    catalog: &'a Catalog,
    kinds: Vec<Kind>,
    /// A bit for each kind that the catalog has: of the others nothing is looked up.
    present: u32,
    /// See [`Order::home`].
    homes: Vec<u32>,
    /// The keys of each table: what a reference can point to.
    keys: FxHashMap<u32, Vec<u32>>,
    /// What `sql` blocks make.
    provided: FxHashMap<&'a ObjectId, u32>,
}

impl<'a> Resolver<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        let mut keys: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut provided = FxHashMap::default();
        let mut kinds = Vec::with_capacity(catalog.len());
        let mut homes = Vec::with_capacity(catalog.len());
        // What belongs to one table often stands together.
        let mut last: Option<(&TableName, u32)> = None;
        for (index, (id, entry)) in catalog.iter().enumerate() {
            kinds.push(id.kind);
            let mut home = NOWHERE;
            if let Some(table) = entry.object.table() {
                home = match last {
                    Some((known, home)) if known == table => home,
                    _ => {
                        let view = || catalog.find(IdRef::new(Kind::View, &table.schema, &table.name));
                        let found = catalog.find(IdRef::table(table)).or_else(view);
                        found.map_or(NOWHERE, |found| found as u32)
                    }
                };
                last = Some((table, home));
            }
            match &entry.object {
                Object::Constraint(o) if matches!(o.rule, Rule::PrimaryKey { .. } | Rule::Unique { .. }) => {
                    keys.entry(home).or_default().push(index as u32);
                }
                Object::Index(o) if o.unique && o.filter.is_none() => {
                    keys.entry(home).or_default().push(index as u32);
                }
                Object::Grant(o) => home = catalog.index_of(&o.on).map_or(NOWHERE, |on| on as u32),
                Object::Sql(o) => provided.extend(o.provides.iter().map(|id| (id, index as u32))),
                _ => {}
            }
            homes.push(home);
        }
        let present = kinds.iter().fold(0, |all, kind| all | 1 << *kind as u32);
        Self { catalog, kinds, present, homes, keys, provided }
    }

    /// Calls `f` for everything of the catalog that the entry at `index` needs; the same thing may come twice.
    fn needs(&self, index: u32, entry: &'a Entry, mut f: impl FnMut(u32, Why<'a>, Strength)) {
        visit(&entry.object, |on, why| {
            if let Some(on) = self.find(on) {
                f(on, why, Strength::Hard);
            }
        });
        match &entry.object {
            Object::Constraint(o) => {
                if let Rule::ForeignKey(key) = &o.rule
                    && let Some(on) = self.key(IdRef::table(&key.target), &key.target_columns)
                {
                    f(on, Why::Is("its key is what the reference points to"), Strength::Hard);
                }
            }
            Object::Seed(o) => {
                if let Some(on) = self.key(IdRef::table(&o.table), &o.key) {
                    f(on, Why::Is("this key tells its rows apart"), Strength::Hard);
                }
            }
            _ => {}
        }
        if let Some(owner) = &entry.owner {
            let role = self.find(IdRef::new(Kind::Role, "", owner));
            role.into_iter().for_each(|on| f(on, Why::Is("it belongs to this role"), Strength::Hard));
            let lets = self.catalog.creates_in(&entry.object.id().schema, owner);
            lets.into_iter()
                .for_each(|on| f(on as u32, Why::Is("its owner has to be allowed to create there"), Strength::Hard));
        }
        for dependency in &entry.depends {
            let Some(on) = self.find(IdRef::from(&dependency.on)) else { continue };
            if on != index {
                f(on, Why::Said(&dependency.why), strength_of(&entry.object, &dependency.on));
            }
        }
    }

    fn find(&self, id: IdRef<'_>) -> Option<u32> {
        if self.present >> id.kind as u32 & 1 == 1
            && let Some(index) = self.catalog.find(id)
        {
            return Some(index as u32);
        }
        if self.provided.is_empty() { None } else { self.provided.get(&id.to_id()).copied() }
    }

    /// The key of `table` over these columns, in any order; no columns mean the primary key.
    fn key(&self, table: IdRef<'_>, columns: &[SmolStr]) -> Option<u32> {
        let keys = self.keys.get(&(self.catalog.find(table)? as u32))?;
        let same = |own: &[SmolStr]| own.len() == columns.len() && own.iter().all(|c| columns.contains(c));
        let fits = |&&key: &&u32| match self.catalog.at(key as usize).map(|(_, entry)| &entry.object) {
            Some(Object::Constraint(o)) => match &o.rule {
                Rule::PrimaryKey { columns: own, .. } => columns.is_empty() || same(own),
                Rule::Unique { columns: own, .. } => same(own),
                _ => false,
            },
            Some(Object::Index(o)) => {
                let own: Option<Vec<_>> = o.keys.iter().map(|key| key.column_name().cloned()).collect();
                own.is_some_and(|own| same(&own))
            }
            _ => false,
        };
        keys.iter().find(fits).copied()
    }
}

fn strength_of(object: &Object, on: &ObjectId) -> Strength {
    match object {
        Object::Function(o) if o.language != "sql" && !o.body.is_atomic() => Strength::Body,
        Object::Table(o) if on.kind == Kind::Function => {
            let calls = |text: &str| text.contains(on.name.as_str());
            let generated = o.columns.iter().any(|c| c.generated.as_ref().is_some_and(|e| calls(&e.text)));
            let default = o.columns.iter().any(|c| c.default.as_ref().is_some_and(|e| calls(&e.text)));
            if default && !generated { Strength::Default } else { Strength::Hard }
        }
        _ => Strength::Hard,
    }
}

/// The place of a kind among objects that do not need each other.
fn rank(kind: Kind) -> u8 {
    match kind {
        Kind::Role => 0,
        Kind::Schema => 1,
        Kind::Extension => 2,
        // After all that it may be over.
        Kind::Index => Kind::Trigger as u8,
        other => other as u8,
    }
}

/// By kind, what belongs to a table by table, seeds by their order, then by insertion.
fn roots(catalog: &Catalog, kinds: &[Kind], homes: &[u32]) -> Vec<u32> {
    let key = |index: usize| {
        let group = match kinds[index] {
            Kind::Seed => match catalog.at(index).map(|(_, entry)| &entry.object) {
                Some(Object::Seed(o)) => o.order,
                _ => 0,
            },
            Kind::PublicationTable => 0,
            _ => homes[index].wrapping_add(1),
        };
        let last = matches!(catalog.at(index).map(|(_, entry)| &entry.object), Some(Object::Sql(o)) if o.last);
        (last, rank(kinds[index]), group, index as u32)
    };
    let mut keys: Vec<_> = (0..kinds.len()).map(key).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, _, _, index)| index).collect()
}

/// A depth-first walk along needs: an object is written when all that it needs has been.
struct Walk<'g> {
    roots: &'g [u32],
    graph: &'g Csr<(), Strength, Directed, u32>,
    given_up: &'g FxHashSet<(u32, u32)>,
    state: Vec<State>,
    sequence: Vec<u32>,
    ignored: Vec<(u32, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

impl<'g> Walk<'g> {
    fn new(roots: &'g [u32], graph: &'g Csr<(), Strength, Directed, u32>, given_up: &'g FxHashSet<(u32, u32)>) -> Self {
        Self {
            roots,
            graph,
            given_up,
            state: vec![State::New; roots.len()],
            sequence: Vec::with_capacity(roots.len()),
            ignored: Vec::new(),
        }
    }

    /// Walks all, or gives the objects of a circle that has to be broken somewhere.
    fn run(&mut self) -> Result<(), Vec<u32>> {
        let mut stack: Vec<(u32, u32)> = Vec::new();
        for &root in self.roots {
            if self.state[root as usize] != State::New {
                continue;
            }
            self.state[root as usize] = State::Open;
            stack.push((root, 0));
            while let Some((object, next)) = stack.last_mut() {
                let from = *object;
                let Some(&to) = self.graph.neighbors_slice(from).get(*next as usize) else {
                    self.state[from as usize] = State::Done;
                    self.sequence.push(from);
                    stack.pop();
                    continue;
                };
                let strength = self.graph.edges_slice(from)[*next as usize];
                *next += 1;
                match self.state[to as usize] {
                    State::Done => {}
                    _ if self.given_up.contains(&(from, to)) => {}
                    State::New => {
                        self.state[to as usize] = State::Open;
                        stack.push((to, 0));
                    }
                    State::Open if strength < Strength::Default => self.ignored.push((from, to)),
                    State::Open => {
                        let start = stack.iter().position(|&(object, _)| object == to).unwrap_or(0);
                        return Err(stack[start..].iter().map(|&(object, _)| object).collect());
                    }
                }
            }
        }
        Ok(())
    }
}
