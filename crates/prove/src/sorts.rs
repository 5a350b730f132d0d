//! Which values can be compared with each other, and so how many different ones a small database needs.
//!
//! Columns, parameters and session values that rules compare share a sort. Its values are the constants that it is
//! compared with, the keys of rows, and a few others that stand for all the rest.

use crate::files::Beginning;
pub use crate::session::{is_viewer, session, whole, wrapped};
pub use crate::sort::Sort;
use crate::values::keeps;
pub use crate::values::{Val, constant};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_facts::Volatility;
use specc_model::formula::{Formula, Node, Operator, Part, Read, Row, Select, Sql, Value};
use specc_model::scope::PathStep;
use specc_model::{EntityId, FieldIx, Model, ParamKind, PredicateId};
use std::hash::{DefaultHasher, Hash, Hasher};

/// What has values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A column.
    Field(EntityId, FieldIx),
    /// The key of who is asking.
    Viewer,
    /// A claim of the token.
    Claim(Box<[SmolStr]>),
    /// A scalar parameter of a predicate.
    Parameter(PredicateId, usize),
    /// A folder of the path in a column.
    Folder(EntityId, FieldIx, u8),
    /// A parameter of a function.
    Argument(usize, usize),
    /// A value that is the same for a whole statement, such as `now()`.
    Session(SmolStr),
    /// An expression that is not looked into, by its address.
    Expr(usize),
}

/// The sorts of a model.
#[derive(Default)]
pub struct Sorts {
    pub(crate) ids: FxHashMap<Source, usize>,
    pub(crate) parents: Vec<usize>,
    pub(crate) sorts: Vec<Sort>,
    /// What is compared with what, beside references and keys.
    pub(crate) links: Vec<(usize, usize)>,
}

/// Whether it is a truth value.
pub fn is_condition(formula: &Formula) -> bool {
    crate::world::is_truth(&formula.ty)
}

/// What a formula is made of; of a plain query what it asks and gives.
pub fn parts(formula: &Formula) -> Vec<&Formula> {
    match query(formula).and_then(Sql::select) {
        Some(select) => select.conditions.iter().chain(&select.output).collect(),
        None => formula.parts(),
    }
}

/// Calls `each` with a formula and all that it is made of, bodies of its predicates too, the outer first.
pub fn visit<'m>(model: &'m Model, formula: &'m Formula, each: &mut impl FnMut(&'m Formula)) {
    let (mut rest, mut seen) = (vec![formula], Vec::new());
    while let Some(next) = rest.pop() {
        each(next);
        if let Node::Predicate(id, _) = next.node
            && !seen.contains(&id)
        {
            seen.push(id);
            rest.push(&model.predicates[id.0 as usize].body.formula);
        }
        rest.extend(parts(next).into_iter().rev());
    }
}

/// The query of `… in (select …)`, `exists (select …)`.
pub fn query(formula: &Formula) -> Option<&Sql> {
    match &formula.node {
        Node::Sql(sql) => Some(sql),
        _ => None,
    }
}

/// The query of `= any (select …)` and `= any (array (select …))`.
pub fn listed(formula: &Formula) -> Option<&Sql> {
    match &formula.bare().node {
        Node::Form(form) if super::encode::word(form) == Some("array") => {
            form.parts.iter().find_map(operand).and_then(query)
        }
        _ => query(formula.bare()),
    }
}

/// What a function asks that is called, where that is known.
pub fn asks<'m>(model: &'m Model, formula: &Formula) -> Option<&'m Formula> {
    match &formula.bare().node {
        Node::Call(call) => model.functions[call.declared?].asks.as_ref().map(|asks| &asks.formula),
        _ => None,
    }
}

/// What a query gives of each row.
pub fn given(formula: &Formula) -> Option<&Formula> {
    match query(formula.bare())?.select()?.output.as_slice() {
        [output] => Some(output),
        _ => None,
    }
}

/// The place of `$1`.
pub fn placeholder(formula: &Formula) -> Option<usize> {
    match &formula.bare().node {
        Node::Literal(Value::Placeholder(name)) => name.trim_start_matches('$').parse::<usize>().ok()?.checked_sub(1),
        _ => None,
    }
}

/// The entities of the rows that a formula can name.
#[derive(Clone, Default)]
pub(crate) struct Scope {
    pub rows: Vec<EntityId>,
    pub bound: Vec<EntityId>,
    pub predicate: Option<PredicateId>,
    /// Columns of queries in `from`, by the names of both.
    given: Vec<(SmolStr, SmolStr, Source)>,
    pub function: Option<usize>,
}

impl Scope {
    /// The parameters of a function.
    pub fn of_function(at: usize) -> Self {
        Self { function: Some(at), ..Self::default() }
    }

    /// The rows of the body of a predicate.
    pub fn of(model: &Model, id: PredicateId) -> Self {
        let rows = model.predicates[id.0 as usize].params.iter().filter_map(|param| match param.kind {
            ParamKind::Row(entity) => Some(entity),
            ParamKind::Value(_) => None,
        });
        Self { rows: rows.collect(), predicate: Some(id), ..Self::default() }
    }

    /// One row.
    pub fn row(entity: EntityId) -> Self {
        Self { rows: vec![entity], ..Self::default() }
    }

    /// The same in an `exists path (…)` over rows of `target`.
    pub fn looking_at(&self, target: EntityId) -> Self {
        let mut inner = self.clone();
        inner.bound.push(target);
        inner
    }

    /// The entity of a row.
    pub fn entity(&self, row: &Row) -> Option<EntityId> {
        match row {
            Row::Scope(at) => self.rows.get(*at).copied(),
            Row::Bound(at) => self.bound.get(*at).copied(),
            Row::Query(_, entity) => Some(*entity),
            Row::View(..) => None,
        }
    }
}

impl Sorts {
    /// The sorts of everything that decides access, and of what the tables check.
    pub fn of(model: &Model) -> Self {
        Self::with(&[model], &[])
    }

    /// Those of several models of the same tables, and of conditions over rows of entities beside them.
    pub fn with(models: &[&Model], beside: &[(EntityId, &Formula)]) -> Self {
        let mut sorts = Self::default();
        for model in models {
            sorts.learn_conditions(model);
        }
        for model in models {
            beside.iter().for_each(|(entity, formula)| sorts.learn(model, formula, &Scope::row(*entity)));
            sorts.learn_defaults(model);
        }
        for at in 0..sorts.parents.len() {
            sorts.parents[at] = sorts.root(at);
        }
        if let Some(model) = models.first() {
            sorts.count(model);
            sorts.sorts.iter_mut().for_each(|sort| sort.look_at(model));
        }
        sorts
    }

    fn learn_conditions(&mut self, model: &Model) {
        for relation in &model.relations {
            for (from, to) in relation.fields.iter().zip(&relation.to_fields) {
                self.refer(Source::Field(relation.from, *from), Source::Field(relation.to, *to));
            }
        }
        if let Some((viewer, field)) = viewer_key(model) {
            self.refer(Source::Viewer, Source::Field(viewer, field));
        }
        for (at, predicate) in model.predicates.iter().enumerate() {
            let scope = Scope::of(model, PredicateId(at as u32));
            self.learn(model, &predicate.body.formula, &scope);
        }
        for (at, function) in model.functions.iter().enumerate() {
            if let Some(asks) = &function.asks {
                self.learn(model, &asks.formula, &Scope::of_function(at));
            }
        }
        for (at, view) in model.views.iter().enumerate() {
            if let Some(asks) = &view.asks {
                self.learn(model, &asks.formula, &Scope::default());
            }
            self.union(model, at);
        }
        for entity in &model.entities {
            let scope = Scope::row(entity.id);
            let rules = entity.rules.iter().flat_map(|rule| [&rule.when, &rule.check]).flatten();
            let checks = entity.checks.iter().map(|check| &check.expr);
            let filters = entity.uniques.iter().filter_map(|unique| unique.filter.as_ref());
            let promised = entity.promises.iter().flat_map(|promise| &promise.lines);
            let promised = promised.flat_map(|line| [&line.when, &line.becoming]).flatten();
            for expr in rules.chain(promised).chain(checks).chain(&entity.visible).chain(filters) {
                self.learn(model, &expr.formula, &scope);
            }
        }
    }

    /// What columns are given by default: only of those that something compares.
    fn learn_defaults(&mut self, model: &Model) {
        for entity in &model.entities {
            let scope = Scope::row(entity.id);
            for (field, column) in entity.fields.iter().enumerate() {
                if let Some(default) = &column.default
                    && !crate::world::is_truth(&column.ty)
                    && !crate::sets::is_array(&column.ty)
                {
                    self.learn(model, &default.formula, &scope);
                    self.given(model, Source::Field(entity.id, field), &default.formula, &scope);
                }
            }
        }
        for membership in crate::membership::memberships(model) {
            for (field, other, constants) in crate::lapse::compared(&membership) {
                let id = self.id(field.clone());
                self.sorts[id].constants.extend(constants);
                self.sorts[id].ordered |= other.is_some();
                other.into_iter().for_each(|other| self.join(field.clone(), other));
            }
        }
    }

    /// The sort of a source.
    pub fn get(&self, source: &Source) -> Option<(usize, &Sort)> {
        let id = self.parents[*self.ids.get(source)?];
        Some((id, &self.sorts[id]))
    }

    /// Any source of a sort.
    pub fn get_any(&self, id: usize) -> Option<Source> {
        let (entity, field) = self.sorts[id].fields.first()?;
        Some(Source::Field(*entity, *field))
    }

    fn root(&self, mut at: usize) -> usize {
        while self.parents[at] != at {
            at = self.parents[at];
        }
        at
    }

    fn id(&mut self, source: Source) -> usize {
        if let Some(id) = self.ids.get(&source) {
            return self.root(*id);
        }
        let id = self.parents.len();
        self.parents.push(id);
        let mut sort = Sort::default();
        if let Source::Field(entity, field) = source {
            sort.fields.push((entity, field));
        }
        self.sorts.push(sort);
        self.ids.insert(source, id);
        id
    }

    /// One value may be the other: they are compared, or given.
    fn join(&mut self, a: Source, b: Source) {
        self.refer(a.clone(), b.clone());
        self.links.extend(self.ids.get(&a).copied().zip(self.ids.get(&b).copied()));
    }

    /// They have the same values.
    fn refer(&mut self, a: Source, b: Source) {
        let (a, b) = (self.id(a), self.id(b));
        if a != b {
            self.parents[b] = a;
            let mut other = std::mem::take(&mut self.sorts[b]);
            self.sorts[a].constants.append(&mut other.constants);
            self.sorts[a].fields.append(&mut other.fields);
            self.sorts[a].ordered |= other.ordered;
        }
    }

    fn query(&mut self, model: &Model, select: &Select, scope: &Scope) {
        let mut scope = scope.clone();
        for from in &select.tables {
            if let Read::Query(selects) = &from.of {
                selects.iter().for_each(|inner| self.query(model, inner, &scope));
                let first = selects.first().into_iter();
                let columns = first.flat_map(|inner| inner.names.iter().zip(&inner.output));
                let columns = columns.filter_map(|(name, output)| Some((name.clone(), source(model, output, &scope)?)));
                let columns: Vec<_> = columns.map(|(name, source)| (from.name.clone(), name, source)).collect();
                scope.given.extend(columns);
            }
        }
        let outer = select.tables.iter().flat_map(|from| from.outer.iter().flatten());
        let all = outer.chain(&select.conditions).chain(&select.output);
        all.for_each(|part| self.learn(model, part, &scope));
    }

    /// That a column of a view is what each of its queries gives there.
    fn union(&mut self, model: &Model, view: usize) {
        let Some((first, others)) = crate::queries::selects(model, view).split_first() else { return };
        for (at, output) in first.output.iter().enumerate() {
            for other in others.iter().filter_map(|select| select.output.get(at)) {
                self.compared(model, output, other, &Scope::default(), false);
            }
        }
    }

    /// That two formulas are compared.
    fn compared(&mut self, model: &Model, a: &Formula, b: &Formula, scope: &Scope, ordered: bool) {
        if is_condition(a) || is_condition(b) {
            return;
        }
        let (left, right) = (source(model, a, scope), source(model, b, scope));
        for source in [&left, &right].into_iter().flatten() {
            let id = self.id(source.clone());
            self.sorts[id].ordered |= ordered;
            self.sorts[id].constants.extend([a, b].into_iter().filter_map(constant));
        }
        if let (Some(left), Some(right)) = (left, right) {
            self.join(left, right);
        }
    }

    /// That a column may have the value of a formula.
    fn given(&mut self, model: &Model, to: Source, formula: &Formula, scope: &Scope) {
        // What is made anew each time makes columns no more alike: keys of all tables have one such default.
        if formula.volatility == Volatility::Volatile {
            return;
        }
        match (source(model, formula, scope), constant(formula)) {
            (Some(source), _) if !self.ids.contains_key(&to) && matches!(source, Source::Expr(_)) => {}
            (Some(source), _) => self.join(to, source),
            // Only where the column is compared with anything does its default matter.
            (None, Some(constant)) if self.ids.contains_key(&to) => {
                let id = self.id(to);
                self.sorts[id].constants.insert(constant);
            }
            _ => {}
        }
    }

    fn learn(&mut self, model: &Model, formula: &Formula, scope: &Scope) {
        if let Some((folder, beginning)) = crate::files::begins(formula)
            && let Some(entity) = scope.entity(folder.row)
        {
            let own = Source::Folder(entity, folder.field, folder.nth);
            match beginning {
                Beginning::Folder(of) => match source(model, of, scope) {
                    Some(other) => self.join(own, other),
                    None => {
                        let id = self.id(own);
                        self.sorts[id].constants.extend(constant(of));
                    }
                },
                Beginning::Named(name) => {
                    let id = self.id(own);
                    self.sorts[id].constants.insert(Val::of_text(name));
                }
            }
        }
        match &formula.node {
            Node::Binary(Operator::Equal, sides) => self.compared(model, &sides.0, &sides.1, scope, false),
            Node::Binary(Operator::Other(op), sides) => {
                let ordered = matches!(op.as_str(), "<" | ">" | "<=" | ">=");
                if ordered || matches!(op.as_str(), "<>" | "!=") {
                    self.compared(model, &sides.0, &sides.1, scope, ordered);
                }
            }
            Node::InList(list, _) => {
                list.1.iter().for_each(|item| self.compared(model, &list.0, item, scope, false));
            }
            Node::Call(call) if call.function.name == "coalesce" && !call.qualified => {
                self.same(model, formula, call.args.iter().map(|(_, arg)| arg), scope);
            }
            Node::Predicate(id, args) => {
                for (at, arg) in args.iter().enumerate() {
                    if let Some(source) = source(model, arg, scope) {
                        self.join(Source::Parameter(*id, at), source);
                    } else if let Some(constant) = constant(arg) {
                        let id = self.id(Source::Parameter(*id, at));
                        self.sorts[id].constants.insert(constant);
                    }
                }
            }
            Node::Call(call) if asks(model, formula).is_some() => {
                let (Some(function), Some(asks)) = (call.declared, asks(model, formula)) else { return };
                for (at, (_, arg)) in call.args.iter().enumerate() {
                    if let Some(source) = source(model, arg, scope) {
                        self.join(Source::Argument(function, at), source);
                    } else if let Some(constant) = constant(arg) {
                        let id = self.id(Source::Argument(function, at));
                        self.sorts[id].constants.insert(constant);
                    }
                }
                if !is_condition(asks) {
                    let (own, output) = (Source::Expr(address(formula)), given(asks).unwrap_or(asks));
                    match (source(model, output, &Scope::of_function(function)), constant(output)) {
                        (Some(source), _) => self.join(own, source),
                        (None, Some(constant)) => {
                            let id = self.id(own);
                            self.sorts[id].constants.insert(constant);
                        }
                        (None, None) => {}
                    }
                }
            }
            Node::Form(form) => {
                let operands: Vec<&Formula> = form.parts.iter().filter_map(operand).collect();
                match (super::encode::word(form), operands.as_slice()) {
                    (_, [left, array]) if crate::sets::of_form(form).is_some() => {
                        self.compared(model, left, array, scope, false);
                    }
                    (Some("in" | "not in" | "= any"), [left, list]) => {
                        if let Some(output) = listed(list).and_then(|sql| sql.select()?.output.first()) {
                            self.compared(model, left, output, scope, false);
                        }
                    }
                    (Some("is distinct from" | "is not distinct from"), [left, right]) => {
                        self.compared(model, left, right, scope, false);
                    }
                    (Some("between" | "not between"), [of, low, high]) => {
                        self.compared(model, of, low, scope, true);
                        self.compared(model, of, high, scope, true);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        match &formula.node {
            Node::Exists(exists) => {
                self.learn(model, &exists.condition, &scope.looking_at(exists.target));
            }
            Node::Sql(sql) => {
                sql.selects.iter().for_each(|select| self.query(model, select, scope));
            }
            node => node.parts().into_iter().for_each(|part| self.learn(model, part, scope)),
        }
    }

    /// That an expression is one of `parts`.
    fn same<'f>(&mut self, model: &Model, whole: &'f Formula, parts: impl Iterator<Item = &'f Formula>, scope: &Scope) {
        if is_condition(whole) {
            return;
        }
        let own = Source::Expr(address(whole));
        let id = self.id(own.clone());
        for part in parts {
            match (source(model, part, scope), constant(part)) {
                (Some(source), _) => self.join(own.clone(), source),
                (None, Some(constant)) => {
                    let id = self.root(id);
                    self.sorts[id].constants.insert(constant);
                }
                _ => {}
            }
        }
    }
}

/// The key column of the entity whose rows ask.
pub fn viewer_key(model: &Model) -> Option<(EntityId, FieldIx)> {
    let viewer = model.entity(model.viewer?);
    match viewer.key.as_ref()?.fields.as_slice() {
        [field] => Some((viewer.id, *field)),
        _ => None,
    }
}

/// The operand that a part of a form is.
pub fn operand(part: &Part) -> Option<&Formula> {
    match part {
        Part::Operand(formula, _) => Some(formula),
        _ => None,
    }
}

/// Which expression it is: one and the same for all that are written in the same words, unless each gives another value each
/// time.
pub fn address(formula: &Formula) -> usize {
    let formula = formula.bare();
    if formula.volatility == Volatility::Volatile {
        return std::ptr::from_ref(formula) as usize;
    }
    let mut hasher = DefaultHasher::new();
    format!("{:?}", formula.unplaced()).hash(&mut hasher);
    hasher.finish() as usize
}

fn end(model: &Model, steps: &[PathStep]) -> Option<EntityId> {
    steps.last().map(|step| model.step_target(*step))
}

fn source(model: &Model, formula: &Formula, scope: &Scope) -> Option<Source> {
    if constant(formula).is_some() {
        return None;
    }
    if let Some(source) = session(formula) {
        return Some(source);
    }
    if let Some(of) = whole(formula) {
        return source(model, of, scope);
    }
    if let Some(folder) = crate::files::folder(formula) {
        return Some(Source::Folder(scope.entity(folder.row)?, folder.field, folder.nth));
    }
    if let (Some(at), Some(function)) = (placeholder(formula), scope.function) {
        return Some(Source::Argument(function, at));
    }
    Some(match &formula.bare().node {
        Node::Literal(_) => return None,
        Node::Name(words) => {
            let is = |of: &SmolStr, name: &SmolStr| match words.as_ref() {
                [column] => column == name,
                [table, column] => table == of && column == name,
                _ => false,
            };
            let found = scope.given.iter().rev().find(|(of, name, _)| is(of, name));
            found.map_or(Source::Expr(address(formula)), |(.., source)| source.clone())
        }
        Node::Column(Row::View(_, view), at) => {
            let output = crate::queries::selects(model, *view).first()?.output.get(*at)?;
            return source(model, output, &Scope::default());
        }
        Node::Column(row, field) => Source::Field(scope.entity(row)?, *field),
        Node::Path(_, steps, field) => Source::Field(end(model, steps)?, *field),
        Node::ViewerField(field) => Source::Field(model.viewer?, *field),
        Node::Parameter(at) => match scope.function {
            Some(function) => Source::Argument(function, *at),
            None => Source::Parameter(scope.predicate?, *at),
        },
        Node::Cast(cast) if keeps(&cast.of.ty, &formula.bare().ty) => return source(model, &cast.of, scope),
        Node::Sql(_) => match wrapped(formula).or_else(|| given(formula)) {
            Some(given) => return source(model, given, scope),
            // One that is not looked into has any value of those that it is compared with.
            None => Source::Expr(address(formula)),
        },
        Node::Whole(..) | Node::Exists(_) => return None,
        _ => Source::Expr(address(formula)),
    })
}
