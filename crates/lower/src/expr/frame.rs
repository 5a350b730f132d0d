//! Rows: which there are where a formula stands, and how each is addressed.

use smol_str::SmolStr;
use specc_model::formula::{Formula, Node, Row};
use specc_model::scope::{PathStep, Scope};
use specc_model::{EntityId, Model, PredicateId};
use std::rc::Rc;

/// Predicates that use predicates end somewhere; the checker reports those that do not.
const MAX_PREDICATE_DEPTH: usize = 64;

/// How the columns of a row of the scope are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowRef {
    /// `status` (checks, defaults, indexes, policies); with the table before it inside a subquery.
    Bare,
    /// `new.status`, `m.status`, `events.status`.
    Prefixed(SmolStr),
    /// The columns become parameters `$1`, `$2`, … of a helper function.
    Params,
    /// A row of which only what lies behind this step is read: the alias stands for the row that the step leads to.
    Behind(PathStep, SmolStr),
}

/// A row that relations lead to from a row at hand; without steps that row itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Of the row at hand.
    pub entity: EntityId,
    pub how: RowRef,
    /// It is the row that the expression is about: the last of its scope.
    pub own: bool,
    /// It is a row of the scope, and no row that a subquery looks at.
    pub scoped: bool,
    pub steps: Vec<PathStep>,
    /// How many plain queries were open where its name was given; a name in a later one hides it. None: in the last.
    pub queries: Option<usize>,
}

impl Place {
    /// A row of a subquery.
    pub fn named(entity: EntityId, alias: SmolStr) -> Self {
        Self { entity, how: RowRef::Prefixed(alias), own: false, scoped: false, steps: Vec::new(), queries: None }
    }

    /// Further along relations.
    pub fn along(mut self, steps: &[PathStep]) -> Self {
        self.steps.extend_from_slice(steps);
        self
    }
}

/// The rows that a formula can name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Frame {
    scope: Vec<Place>,
    /// Those that `exists path (…)` around it look at, the outermost first.
    bound: Vec<Place>,
    /// The scalar arguments of the predicate whose body it is, each with the rows that it can name.
    values: Rc<[Option<(Formula, Frame)>]>,
    /// The row that the whole expression is about, which a predicate reaches through its parameters only.
    base: Option<Place>,
    /// Predicates around it.
    depth: usize,
    /// How many plain queries are open around the predicate whose body it is.
    pub queries: usize,
}

impl Frame {
    /// The rows of a scope, addressed as `rows` says.
    pub fn of(scope: &Scope, rows: &[RowRef]) -> Self {
        let last = scope.rows.len().saturating_sub(1);
        let place = |(at, ((_, entity), how)): (usize, (&(SmolStr, EntityId), &RowRef))| Place {
            entity: *entity,
            how: how.clone(),
            own: at == last,
            scoped: true,
            steps: Vec::new(),
            queries: Some(0),
        };
        let scope: Vec<Place> = scope.rows.iter().zip(rows).enumerate().map(place).collect();
        Self { base: scope.last().cloned(), scope, ..Self::default() }
    }

    /// One row.
    pub fn row(place: Place) -> Self {
        Self { base: None, scope: vec![place], ..Self::default() }
    }

    /// Where a row of a formula is.
    pub fn place(&self, row: &Row) -> Place {
        let found = match row {
            Row::Scope(at) => self.scope.get(*at),
            Row::Bound(at) => self.bound.get(*at),
            Row::Query(alias, entity) => return Place::named(*entity, alias.clone()),
            // What a query reads of a view stays SQL.
            Row::View(..) => None,
        };
        // The checker has bound every row; there is no other.
        found.cloned().unwrap_or_else(|| Place::named(EntityId(0), SmolStr::default()))
    }

    /// The same, inside an `exists path (…)` that looks at `place`.
    pub fn looking_at(&self, place: Place) -> Self {
        let mut inner = self.clone();
        inner.bound.push(place);
        inner
    }

    /// The rows of the body of a predicate with these arguments; none where predicates nest too deeply.
    /// `queries` plain queries are open around it.
    pub fn bind(&self, model: &Model, id: PredicateId, args: &[Formula], queries: usize) -> Option<Self> {
        if self.depth >= MAX_PREDICATE_DEPTH {
            return None;
        }
        let mut scope = Vec::new();
        let mut values = Vec::new();
        for arg in args {
            match &arg.bare().node {
                Node::Whole(row, steps) => {
                    let mut place = self.place(row).along(steps);
                    place.queries.get_or_insert(queries);
                    scope.push(place);
                    values.push(None);
                }
                _ => values.push(Some((arg.clone(), self.clone()))),
            }
        }
        let rows = model.predicates[id.0 as usize].params.len();
        let (base, depth) = (self.base.clone(), self.depth + 1);
        (args.len() == rows).then(|| Self { scope, bound: Vec::new(), values: values.into(), base, depth, queries })
    }

    /// A scalar argument of the predicate whose body this is.
    pub fn value(&self, at: usize) -> Option<(Formula, Frame)> {
        self.values.get(at)?.clone()
    }

    /// The row that the expression is about addressed in another way.
    pub fn rebased(&self, how: &RowRef) -> Self {
        let place = |place: &Place| {
            let mut place = place.clone();
            if place.own {
                place.how = how.clone();
            }
            place
        };
        let value = |value: &Option<(Formula, Frame)>| value.as_ref().map(|(f, frame)| (f.clone(), frame.rebased(how)));
        Self {
            scope: self.scope.iter().map(place).collect(),
            bound: self.bound.iter().map(place).collect(),
            values: self.values.iter().map(value).collect(),
            base: self.base.as_ref().map(place),
            depth: self.depth,
            queries: self.queries,
        }
    }

    /// The entity of the row that the expression is about.
    pub fn own_entity(&self) -> Option<EntityId> {
        self.base.as_ref().map(|place| place.entity)
    }

    /// Whether what is written for it runs with the rights of its owner: in a helper, or in a trigger's function.
    pub fn is_owners(&self) -> bool {
        self.base.as_ref().is_some_and(|place| place.how != RowRef::Bare)
    }

    /// Names that its rows have in SQL.
    pub fn names(&self, model: &Model) -> Vec<SmolStr> {
        let name = |place: &Place| match &place.how {
            RowRef::Prefixed(alias) | RowRef::Behind(_, alias) => Some(alias.clone()),
            RowRef::Bare if place.steps.is_empty() => Some(model.entity(place.entity).name.name.clone()),
            RowRef::Bare | RowRef::Params => None,
        };
        self.scope.iter().chain(&self.bound).chain(&self.base).filter_map(name).collect()
    }
}
