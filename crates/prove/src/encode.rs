//! Formulas over a [`World`], as Postgres evaluates them: with null, over rows that are there, and what is hidden hidden.

use crate::circuit::{Lit, Tri};
use crate::files::{Beginning, Folder};
use crate::queries::{Fetched, Rights, given};
use crate::sets;
use crate::sorts::{self, Source, constant, is_condition, operand, query};
use crate::values::keeps;
use crate::world::{Cell, RowId, Sym, World};
use smol_str::SmolStr;
use specc_model::formula::{Exists, Form, Formula, Node, Operator, Part, Row, Sql, Value};
use specc_model::scope::PathStep;
use specc_model::{EntityId, FieldIx, Model, PredicateId};
use std::rc::Rc;

/// Rows that relations lead to, each with when it is one of them.
pub(crate) type Place = Vec<(Lit, RowId)>;

/// The rows and values that a formula can name.
#[derive(Clone, Debug, Default)]
pub struct Env<'m> {
    pub(crate) scope: Vec<Place>,
    pub(crate) bound: Vec<Place>,
    pub(crate) queries: Vec<(SmolStr, Fetched<'m>)>,
    /// Arguments of the predicate whose body it is.
    pub(crate) values: Rc<[Option<(&'m Formula, Env<'m>)>]>,
    pub(crate) depth: usize,
    /// With whose rights it asks.
    pub(crate) rights: Rights,
    /// The function whose body it is, where nobody says with which arguments it is called.
    function: Option<usize>,
}

impl<'m> Env<'m> {
    /// One row.
    pub fn row(row: RowId) -> Self {
        Self { scope: vec![vec![(Lit::TRUE, row)]], ..Self::default() }
    }

    /// No row: a query that stands by itself.
    pub fn asking(rights: Rights, depth: usize) -> Self {
        Self { rights, depth, ..Self::default() }
    }

    /// The same in the body of a function.
    pub fn in_function(mut self, function: Option<usize>) -> Self {
        self.function = function;
        self
    }

    /// A row by the name that a condition has for it.
    pub fn named(name: &Row, row: RowId, given: &[Option<&'m Formula>]) -> Self {
        let place = vec![(Lit::TRUE, row)];
        let values = given.iter().map(|value| value.map(|value| (value, Self::default()))).collect();
        let env = Self { values, ..Self::default() };
        match name {
            Row::Scope(at) => Self { scope: vec![place; at + 1], ..env },
            Row::Bound(at) => Self { bound: vec![place; at + 1], ..env },
            Row::Query(name, _) | Row::View(name, _) => {
                Self { queries: vec![(name.clone(), Fetched::Row(row))], ..env }
            }
        }
    }
}

/// The name of a row that is any row of its entity.
pub const ANYWHERE: &str = "";

/// Predicates that use predicates end somewhere; the checker reports those that do not.
const MAX_DEPTH: usize = 64;

/// The words of a form between or before its operands, where it is one that is looked into.
pub fn word(form: &Form) -> Option<&str> {
    let mut words = form.parts.iter().filter_map(|part| match part {
        Part::Words(words) => Some(words.trim()),
        _ => None,
    });
    match (words.next()?, words.next()) {
        (word, None) => Some(word),
        (word @ ("between" | "not between"), Some("and")) => Some(word),
        (word @ "= any", Some("(")) => Some(word),
        (word @ ("case" | "exists" | "not exists"), _) => Some(word),
        _ => None,
    }
}

/// Whether it is a condition that is not made of other conditions of the same rows.
fn is_atom(formula: &Formula) -> bool {
    !matches!(
        formula.node,
        Node::Not(_) | Node::Nested(_) | Node::Is(..) | Node::Predicate(..) | Node::Parameter(_) | Node::Literal(_)
    ) && !matches!(&formula.node, Node::Binary(Operator::And | Operator::Or, _))
}

/// Whether it is the same whatever the rules are: it calls nothing and asks nothing that they bind.
pub fn is_steady(model: &Model, formula: &Formula) -> bool {
    let mut steady = true;
    formula.visit(|part| {
        steady &= match &part.node {
            Node::Call(call) => call.declared.is_none_or(|at| reads_nothing(model, at)),
            Node::Sql(sql) => !sql.query,
            Node::AsIs(sql) => sql.objects.is_empty(),
            Node::Predicate(..) => false,
            _ => true,
        };
    });
    steady
}

/// Whether no rule binds what a function reads: it runs with its owner's rights, or its body names no table or function of
/// the spec.
fn reads_nothing(model: &Model, at: usize) -> bool {
    let function = &model.functions[at];
    let names = |name: &SmolStr| function.body.contains(name.as_str());
    let others = model.functions.iter().map(|other| &other.name.name).filter(|name| **name != function.name.name);
    let views = model.views.iter().map(|view| &view.name.name);
    let tables = model.entities.iter().map(|entity| &entity.name.name);
    function.security_definer || !tables.chain(others).chain(views).any(names)
}

impl<'m> World<'m> {
    /// A condition over the rows of `env`.
    pub fn condition(&mut self, formula: &'m Formula, env: &Env<'m>) -> Tri {
        if self.circuit.stops() {
            return Tri::NULL;
        }
        let held = self.decided(formula, env);
        if let Some(atoms) = &mut self.atoms
            && is_atom(formula)
            && !atoms.contains(&(formula, held))
        {
            atoms.push((formula, held));
        }
        held
    }

    fn decided(&mut self, formula: &'m Formula, env: &Env<'m>) -> Tri {
        if let Some((asked, inner)) = self.called(formula, env).or_else(|| given(formula, env)) {
            let (held, there) = (self.condition(asked, &inner), self.is_called(formula, env));
            return Tri { yes: self.circuit.and(held.yes, there), no: self.circuit.and(held.no, there) };
        }
        if let Some((folder, beginning)) = crate::files::begins(formula) {
            let own = self.folder_of(&folder, env);
            let other = match beginning {
                Beginning::Folder(of) => self.evaluate(of, env),
                Beginning::Named(name) => Sym::of(sorts::Val::of_text(name)),
            };
            return self.equal(&own, &other);
        }
        match &formula.node {
            Node::Literal(Value::Boolean(value)) => Tri::of(if *value { Lit::TRUE } else { Lit::FALSE }),
            Node::Literal(Value::Null) => Tri::NULL,
            Node::Literal(value) => match value.text() {
                Some("t" | "true") => Tri::of(Lit::TRUE),
                Some("f" | "false") => Tri::of(Lit::FALSE),
                _ => self.unknown_condition(formula, env),
            },
            Node::Column(row, field) => {
                let place = self.place(row, env);
                self.condition_at(&place, *field)
            }
            Node::Path(row, steps, field) => {
                let start = self.place(row, env);
                let place = self.along(start, steps, false);
                self.condition_at(&place, *field)
            }
            Node::ViewerField(field) => {
                let place = self.viewer_row(env);
                self.condition_at(&place, *field)
            }
            Node::Parameter(at) => match (env.values.get(*at).cloned().flatten(), env.function) {
                (Some((formula, env)), _) => self.condition(formula, &env),
                (None, Some(function)) => self.argument_condition(function, *at),
                (None, None) => self.unknown_condition(formula, env),
            },
            Node::Binary(op, sides) => self.binary(formula, op, &sides.0, &sides.1, env),
            Node::Not(inner) => !self.condition(inner, env),
            Node::Nested(inner) => self.condition(inner, env),
            Node::Cast(cast) if is_condition(&cast.of) => self.condition(&cast.of, env),
            Node::InList(list, negated) => {
                let mut any = Tri::of(Lit::FALSE);
                for item in &list.1 {
                    let equal = self.equals(&list.0, item, env);
                    any = self.circuit.or3(any, equal);
                }
                if *negated { !any } else { any }
            }
            Node::IsNull(inner, negated) => {
                let there = match is_condition(inner) {
                    true => {
                        let inner = self.condition(inner, env);
                        self.circuit.or(inner.yes, inner.no)
                    }
                    false => match self.place_of(inner, env).filter(|_| sets::is_array(&inner.ty)) {
                        Some((place, field)) => {
                            let mut there = Vec::new();
                            for (lit, row) in place {
                                if let Cell::Set(set) = self.cell(row, field) {
                                    there.push(self.circuit.and(lit, set.present));
                                }
                            }
                            self.circuit.any(there)
                        }
                        None => {
                            let value = self.evaluate(inner, env);
                            self.present(&value)
                        }
                    },
                };
                Tri::of(if *negated { there } else { !there })
            }
            Node::Is(inner, what) => {
                let inner = self.condition(inner, env);
                let unknown = self.circuit.and(!inner.yes, !inner.no);
                Tri::of(match *what {
                    "true" => inner.yes,
                    "not true" => !inner.yes,
                    "false" => inner.no,
                    "not false" => !inner.no,
                    "unknown" => unknown,
                    _ => !unknown,
                })
            }
            Node::Exists(exists) => Tri::of(self.exists(exists, env)),
            Node::Predicate(id, args) => self.predicate(formula, *id, args, env),
            Node::Call(call) if call.function.name == "coalesce" && !call.qualified => {
                let mut made = Tri::NULL;
                for (_, arg) in call.args.iter().rev() {
                    let first = self.condition(arg, env);
                    let there = self.circuit.or(first.yes, first.no);
                    let (yes, no) = (self.circuit.and(!there, made.yes), self.circuit.and(!there, made.no));
                    made = Tri { yes: self.circuit.or(first.yes, yes), no: self.circuit.or(first.no, no) };
                }
                made
            }
            Node::Form(form) => self.form(formula, form, env),
            _ => match sorts::wrapped(formula) {
                Some(inner) => self.condition(inner, env),
                None => match self.scalar_condition(formula, env) {
                    Some(found) => found,
                    None => self.unknown_condition(formula, env),
                },
            },
        }
    }

    /// A value over the rows of `env`.
    pub fn evaluate(&mut self, formula: &'m Formula, env: &Env<'m>) -> Sym {
        if self.circuit.stops() {
            return Sym::null();
        }
        if let Some(value) = constant(formula) {
            return Sym::of(value);
        }
        if let Some(source) = sorts::session(formula) {
            return if env.rights.asks_for_nobody(&source) { Sym::null() } else { self.session(source) };
        }
        if let Some((asked, inner)) = self.called(formula, env).or_else(|| given(formula, env)) {
            let (found, there) = (self.evaluate(asked, &inner), self.is_called(formula, env));
            return self.where_so(&found, there);
        }
        if let Some(of) = sorts::whole(formula) {
            let Sym { sort, cases } = self.evaluate(of, env);
            // A pattern that somebody writes for keys takes keys.
            let keys = cases.iter().filter(|(_, value)| matches!(value, sorts::Val::Key(..)));
            return Sym { sort, cases: keys.cloned().collect() };
        }
        if let Some(folder) = crate::files::folder(formula) {
            return self.folder_of(&folder, env);
        }
        if let Some(at) = sorts::placeholder(formula) {
            return self.parameter(formula, at, env);
        }
        match &formula.node {
            Node::Literal(Value::Null) => Sym::null(),
            // What is in an array is known, and nothing else of it.
            _ if sets::is_array(&formula.ty) => self.unknown_value(formula, env),
            Node::Column(row, field) => {
                let place = self.place(row, env);
                self.value_at(&place, *field)
            }
            Node::Path(row, steps, field) => {
                let start = self.place(row, env);
                let place = self.along(start, steps, false);
                self.value_at(&place, *field)
            }
            Node::ViewerField(field) => {
                let place = self.viewer_row(env);
                self.value_at(&place, *field)
            }
            Node::Parameter(at) => self.parameter(formula, *at, env),
            Node::Nested(inner) => self.evaluate(inner, env),
            Node::Cast(cast) if !is_condition(&cast.of) && keeps(&cast.of.ty, &formula.ty) => {
                self.evaluate(&cast.of, env)
            }
            Node::Call(call) if call.function.name == "coalesce" && !call.qualified => {
                let mut made = Sym::null();
                for (_, arg) in call.args.iter().rev() {
                    let first = self.evaluate(arg, env);
                    let there = self.present(&first);
                    made = self.either(&first, !there, &made);
                }
                made
            }
            _ => match sorts::wrapped(formula) {
                Some(inner) => self.evaluate(inner, env),
                None => match self.scalar(formula, env) {
                    Some(found) => found,
                    None => self.unknown_value(formula, env),
                },
            },
        }
    }

    /// What a parameter is.
    fn parameter(&mut self, formula: &'m Formula, at: usize, env: &Env<'m>) -> Sym {
        match (env.values.get(at).cloned().flatten(), env.function) {
            (Some((formula, env)), _) => self.evaluate(formula, &env),
            (None, Some(function)) => self.session(Source::Argument(function, at)),
            (None, None) => self.unknown_value(formula, env),
        }
    }

    /// `first`, or where it is null (`otherwise`) `second`.
    fn either(&mut self, first: &Sym, otherwise: Lit, second: &Sym) -> Sym {
        let mut cases = first.cases.to_vec();
        for (lit, value) in second.cases.iter() {
            let lit = self.circuit.and(*lit, otherwise);
            self.merge(&mut cases, lit, value.clone());
        }
        Sym { sort: first.sort.or(second.sort), cases: cases.into() }
    }

    pub(crate) fn merge(&mut self, cases: &mut Vec<(Lit, sorts::Val)>, lit: Lit, value: sorts::Val) {
        self.circuit.take(cases.len() / 16);
        match cases.iter_mut().find(|(_, other)| *other == value) {
            Some((before, _)) => *before = self.circuit.or(*before, lit),
            None => cases.push((lit, value)),
        }
    }

    fn binary(&mut self, whole: &'m Formula, op: &Operator, a: &'m Formula, b: &'m Formula, env: &Env<'m>) -> Tri {
        match op {
            Operator::And | Operator::Or => {
                let (a, b) = (self.condition(a, env), self.condition(b, env));
                if *op == Operator::And { self.circuit.and3(a, b) } else { self.circuit.or3(a, b) }
            }
            Operator::Equal => self.equals(a, b, env),
            Operator::Other(op) => {
                let sides = |world: &mut Self| (world.evaluate(a, env), world.evaluate(b, env));
                let made = match op.as_str() {
                    "<>" | "!=" => return !self.equals(a, b, env),
                    "<" | "<=" | ">" | ">=" if !is_condition(a) => {
                        let (a, b) = sides(self);
                        let (a, b) = if op.starts_with('>') { (b, a) } else { (a, b) };
                        self.less(&a, &b, op.ends_with('='))
                    }
                    _ => None,
                };
                made.unwrap_or_else(|| self.unknown_condition(whole, env))
            }
        }
    }

    fn equals(&mut self, a: &'m Formula, b: &'m Formula, env: &Env<'m>) -> Tri {
        if is_condition(a) || is_condition(b) {
            let (a, b) = (self.condition(a, env), self.condition(b, env));
            let (both, neither) = (self.circuit.and(a.yes, b.yes), self.circuit.and(a.no, b.no));
            let (left, right) = (self.circuit.and(a.yes, b.no), self.circuit.and(a.no, b.yes));
            return Tri { yes: self.circuit.or(both, neither), no: self.circuit.or(left, right) };
        }
        let (a, b) = (self.evaluate(a, env), self.evaluate(b, env));
        self.equal(&a, &b)
    }

    fn form(&mut self, formula: &'m Formula, form: &'m Form, env: &Env<'m>) -> Tri {
        let operands: Vec<&'m Formula> = form.parts.iter().filter_map(operand).collect();
        let made = match (word(form), operands.as_slice()) {
            (_, [value, array]) if sets::of_form(form).is_some() => self.in_array(value, array, env),
            (Some(word @ ("in" | "not in" | "= any")), [left, list]) => {
                self.in_query(left, list, env).map(|found| if word == "not in" { !found } else { found })
            }
            (Some(word @ ("exists" | "not exists")), [of]) => query(of).and_then(Sql::select).map(|select| {
                let found = self.selected(select, env);
                let any = self.circuit.any(found.into_iter().map(|(lit, _)| lit));
                Tri::of(if word == "exists" { any } else { !any })
            }),
            (Some(word @ ("is distinct from" | "is not distinct from")), [a, b]) if !is_condition(a) => {
                let (a, b) = (self.evaluate(a, env), self.evaluate(b, env));
                let same = self.same(&a, &b);
                Some(Tri::of(if word == "is distinct from" { !same } else { same }))
            }
            (Some(word @ ("between" | "not between")), [of, low, high]) => {
                let (of, low, high) = (self.evaluate(of, env), self.evaluate(low, env), self.evaluate(high, env));
                match (self.less(&low, &of, true), self.less(&of, &high, true)) {
                    (Some(above), Some(below)) => {
                        let inside = self.circuit.and3(above, below);
                        Some(if word == "between" { inside } else { !inside })
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        made.unwrap_or_else(|| self.unknown_condition(formula, env))
    }

    fn exists(&mut self, exists: &'m Exists, env: &Env<'m>) -> Lit {
        let start = self.place(&exists.row, env);
        let found = match exists.steps.is_empty() {
            true => start,
            false => self.along(start, &exists.steps, exists.including_deleted),
        };
        let mut any = Vec::new();
        for (mut lit, row) in found {
            // A path leads to no row that is hidden; a row that no path led to is held to the same.
            if exists.steps.is_empty() && matches!(exists.row, Row::Query(..)) && !exists.including_deleted {
                let seen = self.visible(row, exists.target);
                lit = self.circuit.and(lit, seen);
            }
            let mut inner = env.clone();
            inner.bound.push(vec![(Lit::TRUE, row)]);
            let holds = self.condition(&exists.condition, &inner);
            any.push(self.circuit.and(lit, holds.yes));
        }
        self.circuit.any(any)
    }

    fn predicate(&mut self, whole: &'m Formula, id: PredicateId, args: &'m [Formula], env: &Env<'m>) -> Tri {
        if env.depth >= MAX_DEPTH {
            return self.unknown_condition(whole, env);
        }
        let mut inner = Env { depth: env.depth + 1, rights: env.rights, ..Env::default() };
        let mut values = Vec::new();
        for arg in args {
            match &arg.bare().node {
                Node::Whole(row, steps) => {
                    let start = self.place(row, env);
                    let place = if steps.is_empty() { start } else { self.along(start, steps, false) };
                    inner.scope.push(place);
                    values.push(None);
                }
                _ => values.push(Some((arg, env.clone()))),
            }
        }
        inner.values = values.into();
        self.condition(&self.model.predicates[id.0 as usize].body.formula, &inner)
    }

    /// What a function asks that is called, with its arguments.
    pub(crate) fn called(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<(&'m Formula, Env<'m>)> {
        let Node::Call(call) = &formula.bare().node else { return None };
        let asked = sorts::asks(self.model, formula).filter(|_| env.depth < MAX_DEPTH)?;
        let function = &self.model.functions[call.declared?];
        if call.args.len() != function.params.len() || call.args.iter().any(|(name, _)| name.is_some()) {
            return None;
        }
        let values = call.args.iter().map(|(_, arg)| Some((arg, env.clone()))).collect();
        let rights = env.rights.calling(function.security_definer);
        Some((asked, Env { values, rights, depth: env.depth + 1, ..Env::default() }))
    }

    /// The rows whose column it is, and the column.
    pub(crate) fn place_of(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<(Place, FieldIx)> {
        match &formula.bare().node {
            Node::Column(row, field) => Some((self.place(row, env), *field)),
            Node::Path(row, steps, field) => {
                let start = self.place(row, env);
                Some((self.along(start, steps, false), *field))
            }
            Node::ViewerField(field) => Some((self.viewer_row(env), *field)),
            _ => None,
        }
    }

    fn place(&mut self, row: &Row, env: &Env<'m>) -> Place {
        match row {
            Row::Scope(at) => env.scope.get(*at).cloned().unwrap_or_default(),
            Row::Bound(at) => env.bound.get(*at).cloned().unwrap_or_default(),
            // No author writes that.
            Row::Query(name, entity) if name == ANYWHERE => {
                self.table(*entity).into_iter().map(|row| (self.rows[row].exists, row)).collect()
            }
            Row::Query(name, _) => {
                let found = env.queries.iter().rev().find(|(other, _)| other == name);
                match found {
                    Some((_, Fetched::Row(row))) => vec![(Lit::TRUE, *row)],
                    _ => Vec::new(),
                }
            }
            // What a view gives is looked at where it is asked for.
            Row::View(..) => Vec::new(),
        }
    }

    /// The rows that `steps` lead to; `all`: also those that do not exist for others.
    fn along(&mut self, start: Place, steps: &[PathStep], all: bool) -> Place {
        let mut place = start;
        for step in steps {
            let relation = self.model.relation(step.relation);
            let target = self.model.step_target(*step);
            let (near, far) = match step.back {
                true => (&relation.to_fields, &relation.fields),
                false => (&relation.fields, &relation.to_fields),
            };
            let mut next = Vec::new();
            for row in self.table(target) {
                let mut links = Vec::new();
                for (lit, from) in &place {
                    let mut linked = *lit;
                    for (near, far) in near.iter().zip(far) {
                        let (a, b) = (self.value(*from, *near), self.value(row, *far));
                        let equal = self.equal(&a, &b);
                        linked = self.circuit.and(linked, equal.yes);
                    }
                    links.push(linked);
                }
                let linked = self.circuit.any(links);
                let seen = if all { Lit::TRUE } else { self.visible(row, target) };
                let exists = self.rows[row].exists;
                let lit = self.circuit.all([linked, exists, seen]);
                if lit != Lit::FALSE {
                    next.push((lit, row));
                }
            }
            place = next;
        }
        place
    }

    /// Whether the row exists for others.
    pub fn visible(&mut self, row: RowId, entity: EntityId) -> Lit {
        match &self.model.entity(entity).visible {
            Some(seen) => self.condition(&seen.formula, &Env::row(row)).yes,
            None => Lit::TRUE,
        }
    }

    /// The row of who is asking.
    pub(crate) fn viewer_row(&mut self, env: &Env<'m>) -> Place {
        let Some((entity, key)) = sorts::viewer_key(self.model) else { return Vec::new() };
        if env.rights.asks_for_nobody(&Source::Viewer) {
            return Vec::new();
        }
        let viewer = self.session(Source::Viewer);
        let mut place = Vec::new();
        for row in self.table(entity) {
            let own = self.value(row, key);
            let equal = self.equal(&own, &viewer);
            let seen = self.visible(row, entity);
            let exists = self.rows[row].exists;
            place.push((self.circuit.all([exists, equal.yes, seen]), row));
        }
        place
    }

    /// A folder of the path in a column.
    fn folder_of(&mut self, folder: &Folder<'m>, env: &Env<'m>) -> Sym {
        let place = self.place(folder.row, env);
        let mut made = Sym::null();
        let mut cases = Vec::new();
        for (lit, row) in place {
            let value = self.folder(row, folder.field, folder.nth);
            made.sort = made.sort.or(value.sort);
            for (when, value) in value.cases.iter() {
                let when = self.circuit.and(lit, *when);
                self.merge(&mut cases, when, value.clone());
            }
        }
        Sym { cases: cases.into(), ..made }
    }

    pub(crate) fn value_at(&mut self, place: &Place, field: FieldIx) -> Sym {
        if let [(Lit::TRUE, row)] = place.as_slice() {
            return self.value(*row, field);
        }
        let mut made = Sym::null();
        let mut cases = Vec::new();
        for (lit, row) in place {
            let value = self.value(*row, field);
            made.sort = made.sort.or(value.sort);
            for (when, value) in value.cases.iter() {
                let when = self.circuit.and(*lit, *when);
                self.merge(&mut cases, when, value.clone());
            }
        }
        Sym { cases: cases.into(), ..made }
    }

    fn condition_at(&mut self, place: &Place, field: FieldIx) -> Tri {
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (lit, row) in place {
            if let Cell::Condition(of) = self.cell(*row, field) {
                yes.push(self.circuit.and(*lit, of.yes));
                no.push(self.circuit.and(*lit, of.no));
            }
        }
        Tri { yes: self.circuit.any(yes), no: self.circuit.any(no) }
    }
}
