//! Two specs side by side: the rules of both over the same tables, so that one question can be asked of both.
//!
//! The tables are those of the later spec, with what only the earlier one has beside. What has another name is the same as
//! far as the later spec says so. What a rule of the earlier spec means is taken over part by part.

mod compare;
mod otherwise;
mod renamed;

pub use compare::{Compared, Difference, compare};

use renamed::{Ids, Renamed};
use specc_model::{
    Entity, EntityId, ExprRef, FieldIx, Function, Grant, Maintained, Model, Object, PredicateId, RelationId, Rls, Rule,
};
use specc_split::Lexer;
use std::collections::BTreeSet;

/// The rules of two specs over the tables of both.
pub struct Beside {
    /// The earlier rules.
    pub before: Model,
    /// The later ones.
    pub after: Model,
    /// Entities that only one of the specs has.
    pub new: BTreeSet<EntityId>,
    /// The same of the earlier one.
    pub gone: BTreeSet<EntityId>,
    /// Columns that only one of them has.
    pub apart: BTreeSet<(EntityId, FieldIx)>,
}

/// Puts two specs side by side; none where those who ask are rows of different entities, or settings differ by which a
/// request says who asks.
pub fn beside(old: &Model, new: &Model) -> Option<Beside> {
    let mut made = Making { old, after: new.clone(), ids: Ids::default(), new: BTreeSet::new(), gone: BTreeSet::new() };
    made.entities();
    let apart = made.fields();
    made.relations();
    if old.viewer.map(|viewer| made.ids.entities[viewer.0 as usize]) != new.viewer || !same_session(old, new) {
        return None;
    }
    made.shared();
    Some(made.done(apart))
}

/// Whether a request says who asks in the same way.
fn same_session(old: &Model, new: &Model) -> bool {
    let (a, b) = (&old.options, &new.options);
    a.target == b.target && a.viewer_setting == b.viewer_setting && a.claims_setting == b.claims_setting
}

struct Making<'o> {
    old: &'o Model,
    after: Model,
    ids: Ids,
    new: BTreeSet<EntityId>,
    gone: BTreeSet<EntityId>,
}

impl Making<'_> {
    /// Entities by their names, and by the names that they had.
    fn entities(&mut self) {
        let own = self.after.entities.len();
        let mut taken = BTreeSet::new();
        for entity in &self.old.entities {
            let same = |other: &&Entity| other.name == entity.name;
            let was = |other: &&Entity| {
                let schema = other.meta.was_in.as_ref().unwrap_or(&other.name.schema);
                let name = other.meta.was.as_ref().unwrap_or(&other.name.name);
                (other.meta.was.is_some() || other.meta.was_in.is_some())
                    && (schema, name) == (&entity.name.schema, &entity.name.name)
                    && !self.old.entities.iter().any(|old| old.name == other.name)
            };
            let list = &self.after.entities[..own];
            let found = list.iter().find(same).or_else(|| list.iter().find(was)).map(|entity| entity.id);
            let id = found.unwrap_or(EntityId(self.after.entities.len() as u32));
            if found.is_none() {
                self.gone.insert(id);
                let bare = Entity {
                    id,
                    rules: Vec::new(),
                    checks: Vec::new(),
                    uniques: Vec::new(),
                    excludes: Vec::new(),
                    visible: None,
                    outgoing: Vec::new(),
                    incoming: Vec::new(),
                    fields: Vec::new(),
                    ..entity.clone()
                };
                self.after.entities.push(bare);
            }
            taken.insert(id);
            self.ids.entities.push(id);
        }
        self.new = self.after.entities.iter().map(|entity| entity.id).filter(|id| !taken.contains(id)).collect();
        for (at, old) in self.old.enums.iter().enumerate() {
            let same = |new: &&specc_model::Enum| new.name == old.name || new.meta.was.as_ref() == Some(&old.name.name);
            let found = self.after.enums.iter().find(same);
            for label in found.iter().flat_map(|new| &new.labels) {
                if let Some(was) = label.was.as_ref().filter(|was| {
                    !old.labels.iter().any(|l| l.name == label.name) && old.labels.iter().any(|l| l.name == **was)
                }) {
                    self.ids.labels.insert((at as u32, was.clone()), label.name.clone());
                }
            }
        }
    }

    /// Columns by their names; those that only the earlier spec has are added.
    fn fields(&mut self) -> BTreeSet<(EntityId, FieldIx)> {
        let mut apart = BTreeSet::new();
        for entity in &self.old.entities {
            let id = self.ids.entities[entity.id.0 as usize];
            let own = self.after.entity(id).fields.len();
            let (mut places, mut taken) = (Vec::new(), BTreeSet::new());
            for field in &entity.fields {
                let list = &self.after.entity(id).fields[..own];
                let was = || {
                    let new = |f: &&specc_model::Field| entity.field(&f.name).is_none();
                    list.iter().position(|f| f.meta.was.as_ref() == Some(&field.name) && new(&f))
                };
                let found = list.iter().position(|f| f.name == field.name).or_else(was);
                let place = found.unwrap_or(self.after.entity(id).fields.len());
                if found.is_none() {
                    // Nothing holds it to anything in a table that no longer has it.
                    let left = specc_model::Field {
                        nullable: !self.gone.contains(&id) || field.nullable,
                        default: None,
                        generated: None,
                        maintained: None,
                        relation: None,
                        ty: self.ids.ty(self.old, &self.after, &field.ty),
                        ..field.clone()
                    };
                    self.after.entities[id.0 as usize].fields.push(left);
                    apart.insert((id, place));
                }
                taken.insert(place);
                places.push(place);
            }
            if !self.gone.contains(&id) {
                apart.extend((0..own).filter(|field| !taken.contains(field)).map(|field| (id, field)));
            }
            self.ids.fields.push(places);
        }
        apart
    }

    /// References by what they lead from and to. One that is gone leads on and holds nothing.
    fn relations(&mut self) {
        for relation in &self.old.relations {
            let (from, to) = (self.ids.entity(relation.from), self.ids.entity(relation.to));
            let fields: Vec<_> = relation.fields.iter().map(|f| self.ids.field(relation.from, *f)).collect();
            let to_fields: Vec<_> = relation.to_fields.iter().map(|f| self.ids.field(relation.to, *f)).collect();
            let same = |other: &&specc_model::Relation| {
                (other.from, other.to) == (from, to) && other.fields == fields && other.to_fields == to_fields
            };
            let found = self.after.relations.iter().find(same).map(|other| other.id);
            let id = found.unwrap_or(RelationId(self.after.relations.len() as u32));
            if found.is_none() {
                let relation = specc_model::Relation { id, from, to, fields, to_fields, ..relation.clone() };
                self.after.relations.push(relation);
            }
            self.ids.relations.push(id);
        }
    }

    /// Predicates and functions: those that mean the same in both specs are one, the others are added.
    fn shared(&mut self) {
        let place = |name: &str| self.after.index.predicates.get(name).copied();
        let predicates: Vec<Option<PredicateId>> = self.old.predicates.iter().map(|p| place(&p.name)).collect();
        let same = |f: &Function| {
            self.after.functions.iter().position(|new| new.name == f.name && is_alike(self.old, f, &self.after, new))
        };
        let functions: Vec<Option<usize>> = self.old.functions.iter().map(same).collect();
        let (mut next_predicate, mut next_function) = (self.after.predicates.len() as u32, self.after.functions.len());
        self.ids.predicates = predicates.iter().map(|id| id.unwrap_or(PredicateId(u32::MAX))).collect();
        self.ids.functions = functions.iter().map(|at| at.unwrap_or(usize::MAX)).collect();
        // What uses something that differs differs too.
        loop {
            let before = (self.ids.predicates.clone(), self.ids.functions.clone());
            let differs = self.differs();
            for at in 0..self.old.functions.len() {
                if self.old.functions[at].depends.iter().any(&differs) || self.reads_other(at, &differs) {
                    self.ids.functions[at] = usize::MAX;
                }
            }
            for (at, predicate) in self.old.predicates.iter().enumerate() {
                let id = self.ids.predicates[at];
                let Some(new) = self.after.predicates.get(id.0 as usize) else { continue };
                let body = self.renamed().in_predicate(at, &predicate.body);
                if body.formula.unplaced() != new.body.formula.unplaced() {
                    self.ids.predicates[at] = PredicateId(u32::MAX);
                }
            }
            for (at, function) in self.old.functions.iter().enumerate() {
                let Some(new) = self.after.functions.get(self.ids.functions[at]) else { continue };
                let asks = function.asks.as_ref().map(|asks| self.renamed().in_function(asks).formula.unplaced());
                if asks != new.asks.as_ref().map(|asks| asks.formula.unplaced()) {
                    self.ids.functions[at] = usize::MAX;
                }
            }
            if before == (self.ids.predicates.clone(), self.ids.functions.clone()) {
                break;
            }
        }
        for id in self.ids.predicates.iter_mut().filter(|id| id.0 == u32::MAX) {
            *id = PredicateId(next_predicate);
            next_predicate += 1;
        }
        for at in self.ids.functions.iter_mut().filter(|at| **at == usize::MAX) {
            *at = next_function;
            next_function += 1;
        }
        for (at, predicate) in self.old.predicates.iter().enumerate() {
            if self.ids.predicates[at].0 as usize == self.after.predicates.len() {
                let body = self.renamed().in_predicate(at, &predicate.body);
                let mut predicate = specc_model::Predicate { body, ..predicate.clone() };
                for param in &mut predicate.params {
                    if let specc_model::ParamKind::Row(entity) = &mut param.kind {
                        *entity = self.ids.entity(*entity);
                    }
                }
                self.after.predicates.push(predicate);
            }
        }
        for (at, function) in self.old.functions.iter().enumerate() {
            if self.ids.functions[at] == self.after.functions.len() {
                let asks = function.asks.as_ref().map(|asks| self.renamed().in_function(asks));
                self.after.functions.push(Function { asks, ..function.clone() });
            }
        }
    }

    /// Whether something of the earlier spec is not what it was, as far as is known by now.
    fn differs(&self) -> impl Fn(&Object) -> bool + use<> {
        let entities: Vec<bool> = self.old.entities.iter().map(|entity| self.has_other_rules(entity)).collect();
        let functions: Vec<bool> = self.ids.functions.iter().map(|at| *at == usize::MAX).collect();
        let mut views = vec![false; self.old.views.len()];
        loop {
            let before = views.clone();
            for (at, view) in self.old.views.iter().enumerate() {
                let same = self.after.views.iter().any(|other| other.name == view.name && other.query == view.query);
                views[at] |= !same
                    || view.depends.iter().any(|on| match on {
                        Object::Entity(id) => entities[id.0 as usize],
                        Object::Function(at) => functions[*at],
                        Object::View(at) => before[*at],
                        _ => false,
                    });
            }
            if views == before {
                break;
            }
        }
        move |object| match object {
            Object::Entity(id) => entities[id.0 as usize],
            Object::Function(at) => functions[*at],
            Object::View(at) => views[*at],
            _ => false,
        }
    }

    /// Whether the rules of an entity of the earlier spec are not those that it has now.
    fn has_other_rules(&self, entity: &Entity) -> bool {
        let now = self.after.entity(self.ids.entity(entity.id));
        let rules: Vec<Rule> = entity.rules.iter().map(|rule| self.rule(entity.id, rule)).collect();
        self.gone.contains(&now.id) || now.rls != entity.rls || compare::words(&rules) != compare::words(&now.rules)
    }

    /// Whether the body of a function reads or calls what differs.
    fn reads_other(&self, at: usize, differs: &impl Fn(&Object) -> bool) -> bool {
        let function = &self.old.functions[at];
        function.reads.iter().any(|id| differs(&Object::Entity(*id)))
            || function.views.iter().any(|at| differs(&Object::View(*at)))
            || function.calls.iter().any(|at| differs(&Object::Function(*at)))
    }

    fn renamed(&self) -> Renamed<'_> {
        Renamed { old: self.old, new: &self.after, ids: &self.ids }
    }

    fn done(self, apart: BTreeSet<(EntityId, FieldIx)>) -> Beside {
        let mut before = self.after.clone();
        for entity in &mut before.entities {
            entity.rules.clear();
            if self.new.contains(&entity.id) {
                entity.rls = Rls::On;
            }
        }
        for entity in &self.old.entities {
            let id = self.ids.entity(entity.id);
            let rules = entity.rules.iter().map(|rule| self.rule(entity.id, rule)).collect();
            let visible = entity.visible.as_ref().map(|expr| self.renamed().of(entity.id, expr));
            let made = &mut before.entities[id.0 as usize];
            made.rules = rules;
            made.visible = visible;
            made.rls = entity.rls;
            for (at, field) in entity.fields.iter().enumerate() {
                let place = self.ids.field(entity.id, at);
                let generated = field.generated.as_ref().map(|expr| self.renamed().of(entity.id, expr));
                let maintained = field.maintained.as_deref().map(|kept| Box::new(self.maintained(kept)));
                let made = &mut made.fields[place];
                made.immutable = field.immutable;
                (made.generated, made.maintained) = (generated, maintained);
                made.identity.clone_from(&field.identity);
            }
        }
        before.roles.clone_from(&self.old.roles);
        before.options.derive = self.old.options.derive;
        before.grants = self.old.grants.iter().filter_map(|grant| self.grant(grant)).collect();
        Beside { before, after: self.after, new: self.new, gone: self.gone, apart }
    }

    fn maintained(&self, kept: &Maintained) -> Maintained {
        let of = self.old.relation(kept.relation).from;
        Maintained {
            relation: self.ids.relations.get(kept.relation.0 as usize).copied().unwrap_or(kept.relation),
            field: kept.field.map(|field| self.ids.field(of, field)),
            filter: kept.filter.as_ref().map(|filter| self.renamed().of(of, filter)),
            ..kept.clone()
        }
    }

    fn grant(&self, grant: &Grant) -> Option<Grant> {
        let Object::Entity(entity) = grant.object else { return None };
        let id = self.ids.entity(entity);
        let mut grant = Grant { object: Object::Entity(id), ..grant.clone() };
        for (_, columns) in &mut grant.privileges {
            for column in columns {
                if let Some(field) = self.old.entity(entity).field(column) {
                    *column = self.after.entity(id).fields[self.ids.field(entity, field)].name.clone();
                }
            }
        }
        Some(grant)
    }

    fn rule(&self, entity: EntityId, rule: &Rule) -> Rule {
        let mut rule = rule.clone();
        let of = |expr: &ExprRef| self.renamed().of(entity, expr);
        (rule.when, rule.check) = (rule.when.as_ref().map(of), rule.check.as_ref().map(of));
        for (_, columns) in &mut rule.actions {
            columns.iter_mut().for_each(|field| *field = self.ids.field(entity, *field));
        }
        rule.columns_at.iter_mut().for_each(|(_, field, _)| *field = self.ids.field(entity, *field));
        rule
    }
}

/// Whether two functions of the same name do the same, as far as their own text says.
fn is_alike(old: &Model, a: &Function, new: &Model, b: &Function) -> bool {
    let types = |model: &Model, f: &Function| -> Vec<String> {
        f.params.iter().map(|param| format!("{:?}", param.ty.declared(model))).collect()
    };
    let settings = |f: &Function| -> Vec<(String, String)> {
        f.settings.iter().map(|s| (s.name.text.to_string(), s.value.to_string())).collect()
    };
    let asks = a.asks.is_some() && b.asks.is_some();
    // What both ask is compared with its meaning; of other bodies the texts are.
    (asks || a.body == b.body || same_but_parameters(old, a, new, b))
        && (a.security_definer, a.strict, &a.language) == (b.security_definer, b.strict, &b.language)
        && types(old, a) == types(new, b)
        && settings(a) == settings(b)
}

/// Whether two bodies differ in nothing but names of parameters. A name that is a column's as well may stand for that.
fn same_but_parameters(old: &Model, a: &Function, new: &Model, b: &Function) -> bool {
    let is_column = |model: &Model, name: &str| model.entities.iter().any(|entity| entity.field(name).is_some());
    let renamed: Vec<(&str, &str)> = a
        .params
        .iter()
        .zip(&b.params)
        .map(|(was, is)| (was.name.as_str(), is.name.as_str()))
        .filter(|(was, is)| was != is)
        .collect();
    let taken = |name: &str| is_column(old, name) || is_column(new, name);
    if renamed.is_empty() || a.params.len() != b.params.len() || renamed.iter().any(|(x, y)| taken(x) || taken(y)) {
        return false;
    }
    let tokens = |text: &str| Lexer::new(text).collect::<Result<Vec<_>, _>>();
    let (Ok(was), Ok(is)) = (tokens(&a.body), tokens(&b.body)) else { return false };
    was.len() == is.len()
        && was.iter().zip(&is).all(|(x, y)| {
            let (x_text, y_text) = (&a.body[x.start..x.end], &b.body[y.start..y.end]);
            let names = || x.name(&a.body).zip(y.name(&b.body));
            x_text == y_text && !renamed.iter().any(|(_, is)| y.name(&b.body).as_deref() == Some(*is))
                || names().is_some_and(|(x, y)| renamed.contains(&(x.as_str(), y.as_str())))
        })
}
