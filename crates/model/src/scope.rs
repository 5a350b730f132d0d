//! What an identifier in an expression means. The checker and the lowering ask the same question here.

use crate::types::*;
use smol_str::SmolStr;

/// Where an expression stands: the rows whose names it can use, the innermost first.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Alias (empty for the row at hand) and entity.
    pub rows: Vec<(SmolStr, EntityId)>,
    /// The scalar parameters of the predicate whose body it is: name, place among all its parameters, type.
    pub values: Vec<(SmolStr, usize, Type)>,
}

impl Scope {
    /// Only the row at hand.
    pub fn of(entity: EntityId) -> Self {
        Self { rows: vec![(SmolStr::default(), entity)], ..Self::default() }
    }

    /// The same with one more row in front.
    pub fn inside(&self, alias: impl Into<SmolStr>, entity: EntityId) -> Self {
        let mut rows = vec![(alias.into(), entity)];
        rows.extend(self.rows.iter().cloned());
        Self { rows, values: self.values.clone() }
    }
}

impl Scope {
    /// The scalar parameter that `parts` names.
    pub(crate) fn parameter(&self, parts: &[&str]) -> Option<Resolved> {
        let [name] = parts else { return None };
        self.values.iter().find(|(n, ..)| n == name).map(|(_, place, _)| Resolved::Parameter(*place))
    }
}

/// What a (compound) identifier means.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// `viewer`: the key of who is asking.
    Viewer,
    /// `viewer.role`
    ViewerField(FieldIx),
    /// `claims.app_metadata.role`: the keys.
    Claims(Vec<SmolStr>),
    /// A column of the row at this place of the scope.
    Field {
        /// Its place in [`Scope::rows`].
        row: usize,
        /// The column.
        field: FieldIx,
    },
    /// Follows relations from a row of the scope, then reads a field; without a field it stands for the last
    /// relation's row (as the argument of a predicate, or the path of `exists`).
    Path {
        /// The place of the first row in [`Scope::rows`].
        row: usize,
        /// The relations, in the order in which they are followed.
        steps: Vec<PathStep>,
        /// A column of the last row.
        field: Option<FieldIx>,
    },
    /// A row of the scope itself (a predicate's parameter, or `this`).
    Row(usize),
    /// A scalar parameter of the predicate whose body it is, by its place among all its parameters.
    Parameter(usize),
    /// A predicate without parameters.
    Predicate(PredicateId),
}

/// Whether the spec gives `name` a meaning of its own, which a relation of that name does not take over.
pub(crate) fn is_word(name: &str) -> bool {
    matches!(name, "viewer" | "this" | "claims")
}

impl Resolved {
    /// Whether a row can have it under `name` without quotes: a word of the spec is at most a column there.
    pub(crate) fn may_be_called(&self, name: &str) -> bool {
        !is_word(name) || name != "this" && matches!(self, Resolved::Field { .. })
    }
}

/// A step over a relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PathStep {
    /// Which.
    pub relation: RelationId,
    /// From the referenced side to the referencing one.
    pub back: bool,
}

impl Model {
    /// The entity that a step leads to.
    pub fn step_target(&self, step: PathStep) -> EntityId {
        let relation = self.relation(step.relation);
        if step.back { relation.from } else { relation.to }
    }

    /// What `parts` (an identifier split at its dots, quotes removed) means in `scope`; `quoted`: its first part has
    /// quotes. A scalar parameter of a predicate is never anything else; of other names the nearest meaning wins: a field
    /// or alias of an inner row before one of an outer row, columns of the row before `viewer`, those before predicates.
    /// What [`is_word`] is no relation of the row unless it is quoted. `None`: nothing of the spec has this name.
    pub fn resolve(&self, scope: &Scope, parts: &[&str], quoted: bool) -> Option<Resolved> {
        let (first, rest) = parts.split_first()?;
        if let Some(found) = scope.parameter(parts) {
            return Some(found);
        }
        for (row, (alias, entity)) in scope.rows.iter().enumerate() {
            if !alias.is_empty() && alias == first {
                return if rest.is_empty() { Some(Resolved::Row(row)) } else { self.follow(row, *entity, rest) };
            }
            if let Some(found) = self.follow(row, *entity, parts).filter(|found| quoted || found.may_be_called(first)) {
                return Some(found);
            }
        }
        match *first {
            first if quoted && is_word(first) => None,
            "this" => {
                let row = scope.rows.len().checked_sub(1)?;
                let entity = scope.rows[row].1;
                if rest.is_empty() { Some(Resolved::Row(row)) } else { self.follow(row, entity, rest) }
            }
            "viewer" if rest.is_empty() => Some(Resolved::Viewer),
            "viewer" if rest.len() == 1 => self.field(self.viewer?, rest[0]).map(Resolved::ViewerField),
            "claims" if !rest.is_empty() => Some(Resolved::Claims(rest.iter().map(SmolStr::new).collect())),
            name if rest.is_empty() => self.index.predicates.get(name).map(|id| Resolved::Predicate(*id)),
            _ => None,
        }
    }

    /// The same for a name that starts at a column or a relation of `start`, the row at place `row`.
    pub(crate) fn follow(&self, row: usize, start: EntityId, parts: &[&str]) -> Option<Resolved> {
        let mut entity = start;
        let mut steps = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let last = at + 1 == parts.len();
            if last && let Some(field) = self.field(entity, part) {
                return Some(if steps.is_empty() {
                    Resolved::Field { row, field }
                } else {
                    Resolved::Path { row, steps, field: Some(field) }
                });
            }
            let (relation, back) = self.step(entity, part)?;
            steps.push(PathStep { relation: relation.id, back });
            entity = if back { relation.from } else { relation.to };
        }
        Some(Resolved::Path { row, steps, field: None })
    }
}
