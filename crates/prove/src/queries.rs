//! Queries over a [`World`]: which rows they choose, through views and functions too, and with whose rights they read.

use crate::circuit::{Lit, Tri};
use crate::encode::Env;
use crate::sorts::{self, Source};
use crate::world::{RowId, Sym, Unknown, World};
use smol_str::SmolStr;
use specc_diag::Span;
use specc_model::formula::{Formula, From, Node, Read, Row, Select, Sql};
use specc_model::{EntityId, FieldIx, Model, Object};

/// With whose rights something is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// The owner of what asks reads its tables: no rule binds it.
    pub owner: bool,
    /// The session itself is the owner's, as in a function with its owner's rights: so are views that ask as who asks.
    pub session: bool,
    /// It is asked when a materialized view is refreshed, for nobody.
    pub refreshed: bool,
}

impl Rights {
    /// Inside a function.
    pub fn calling(self, security_definer: bool) -> Self {
        // Inside a view the owner reads, and a function that it calls still runs as who asks.
        let session = self.session || security_definer;
        Self { owner: session, session, ..self }
    }

    /// Inside a view.
    pub fn viewing(self, view: &specc_model::View) -> Self {
        let session = self.session || view.materialized;
        let refreshed = self.refreshed || view.materialized;
        Self { owner: session || view.security_definer, session, refreshed }
    }

    /// Whether it says nothing of the one who asks later.
    pub fn asks_for_nobody(self, source: &Source) -> bool {
        self.refreshed && matches!(source, Source::Viewer | Source::Claim(_))
    }
}

/// What a name of a query stands for.
#[derive(Clone)]
pub enum Fetched<'m> {
    /// A row of a table.
    Row(RowId),
    /// A row that one of the queries of a view gives, or a query in `from`.
    View(&'m Select, Box<Env<'m>>),
    /// Something of which nothing is known.
    Other(&'m From),
    /// Nothing, as an outer join has it: all its columns are null.
    Nothing,
}

impl std::fmt::Debug for Fetched<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fetched::Row(row) => write!(f, "{row}"),
            Fetched::View(select, env) => write!(f, "{:p} {:?}", *select, env.queries),
            Fetched::Other(from) => write!(f, "{}", from.name),
            Fetched::Nothing => write!(f, "-"),
        }
    }
}

/// The column of a view, or of a query in `from`, that a formula is: what its query gives there.
pub fn given<'m>(formula: &Formula, env: &Env<'m>) -> Option<(&'m Formula, Env<'m>)> {
    let named = |name: &SmolStr| env.queries.iter().rev().find(|(other, _)| other == name).map(|(_, fetched)| fetched);
    let (select, at, inner) = match &formula.bare().node {
        Node::Column(Row::View(name, _), at) => match named(name)? {
            Fetched::View(select, inner) => (*select, *at, inner),
            _ => return None,
        },
        Node::Name(words) => {
            let at = |select: &Select| select.names.iter().position(|name| Some(name) == words.last());
            let found = match words.as_ref() {
                [name, _] => vec![named(name)?],
                [_] => env.queries.iter().rev().map(|(_, fetched)| fetched).collect(),
                _ => return None,
            };
            found.into_iter().find_map(|fetched| match fetched {
                Fetched::View(select, inner) => Some((*select, at(select)?, inner)),
                _ => None,
            })?
        }
        _ => return None,
    };
    Some((select.output.get(at)?, (**inner).clone()))
}

/// The queries of a view; none where it is not looked into.
pub fn selects(model: &Model, view: usize) -> &[Select] {
    let asks = model.views[view].asks.as_ref();
    asks.and_then(|asks| sorts::query(asks.formula.bare())).map_or(&[], |sql| sql.selects.as_slice())
}

/// The columns of a view that are the columns of the key of a row that it reads, with those: they tell the row from others.
pub fn passed_on(model: &Model, view: usize, entity: EntityId) -> Vec<(&SmolStr, FieldIx)> {
    let key = model.entity(entity).key.as_ref().map_or(&[][..], |key| key.fields.as_slice());
    let mut columns = shown_as(model, view, entity);
    columns.retain(|(_, field)| key.contains(field));
    columns
}

/// The columns of a view that are those of a row that it reads, with those.
pub fn shown_as(model: &Model, view: usize, entity: EntityId) -> Vec<(&SmolStr, FieldIx)> {
    let [select] = selects(model, view) else { return Vec::new() };
    let mut alone = select.tables.iter().filter(|from| from.of == Read::Entity(entity));
    let (Some(from), None) = (alone.next(), alone.next()) else { return Vec::new() };
    let columns = model.views[view].output.iter().zip(&select.output).filter_map(|((name, _), output)| {
        let Node::Column(Row::Query(alias, of), field) = &output.bare().node else { return None };
        (*of == entity && *alias == from.name).then_some((name, *field))
    });
    columns.collect()
}

impl<'m> World<'m> {
    /// Whether a function is called at all: one that is `strict` is not where an argument is null, and gives null.
    pub(crate) fn is_called(&mut self, formula: &'m Formula, env: &Env<'m>) -> Lit {
        let Node::Call(call) = &formula.bare().node else { return Lit::TRUE };
        if !call.declared.is_some_and(|at| self.model.functions[at].strict) {
            return Lit::TRUE;
        }
        let mut all = Vec::new();
        for (_, arg) in call.args.iter().filter(|(_, arg)| !crate::sets::is_array(&arg.ty)) {
            all.push(match (&arg.bare().node, sorts::is_condition(arg)) {
                (Node::Whole(..), _) => Lit::TRUE,
                (_, true) => {
                    let held = self.condition(arg, env);
                    self.circuit.or(held.yes, held.no)
                }
                (_, false) => {
                    let value = self.evaluate(arg, env);
                    self.present(&value)
                }
            });
        }
        self.circuit.all(all)
    }

    /// A value, or null where it is not so.
    pub(crate) fn where_so(&mut self, value: &Sym, so: Lit) -> Sym {
        let cases = value.cases.iter().map(|(lit, value)| (self.circuit.and(*lit, so), value.clone())).collect();
        Sym { sort: value.sort, cases }
    }

    /// `left in (select …)`: null where nothing is equal, and something is null.
    pub(crate) fn in_query(&mut self, left: &'m Formula, list: &'m Formula, env: &Env<'m>) -> Option<Tri> {
        let mut select = sorts::listed(list)?.select()?;
        let mut within = env.clone();
        // `in (select my_teams())` is what the function gives.
        if select.tables.is_empty()
            && let [call] = select.output.as_slice()
            && let Some((asked, inner)) = self.called(call, env)
        {
            select = sorts::query(asked.bare()).and_then(Sql::select)?;
            within = inner;
        }
        let [output] = select.output.as_slice() else { return None };
        let left = self.evaluate(left, env);
        let mut any = Tri::of(Lit::FALSE);
        for (there, inner) in self.selected(select, &within) {
            let value = self.evaluate(output, &inner);
            let equal = self.equal(&left, &value);
            let of_row = Tri { yes: self.circuit.and(there, equal.yes), no: self.circuit.or(!there, equal.no) };
            any = self.circuit.or3(any, of_row);
        }
        Some(any)
    }

    /// The combinations of rows that a query looks at, each with when it is there, whatever `where` asks.
    pub(crate) fn joined(&mut self, select: &'m Select, env: &Env<'m>) -> Vec<(Lit, Env<'m>)> {
        let mut found = vec![(Lit::TRUE, env.clone())];
        for from in &select.tables {
            let mut next = Vec::new();
            for (lit, env) in found {
                let mut missing = lit;
                for (there, fetched) in self.fetched(from, &env) {
                    let mut inner = env.clone();
                    inner.queries.push((from.name.clone(), fetched));
                    let mut chosen = self.circuit.and(lit, there);
                    for condition in from.outer.iter().flatten() {
                        let holds = self.condition(condition, &inner).yes;
                        chosen = self.circuit.and(chosen, holds);
                    }
                    missing = self.circuit.and(missing, !chosen);
                    next.push((chosen, inner));
                }
                if from.outer.is_some() {
                    let mut inner = env;
                    inner.queries.push((from.name.clone(), Fetched::Nothing));
                    next.push((missing, inner));
                }
            }
            next.retain(|(lit, _)| *lit != Lit::FALSE);
            found = next;
        }
        found
    }

    /// The same, each with when it is chosen.
    pub(crate) fn selected(&mut self, select: &'m Select, env: &Env<'m>) -> Vec<(Lit, Env<'m>)> {
        let mut found = self.joined(select, env);
        for (lit, env) in &mut found {
            for condition in &select.conditions {
                let holds = self.condition(condition, env);
                *lit = self.circuit.and(*lit, holds.yes);
            }
        }
        if select.first {
            // Which row is the first may be any: the rows of a table are alike.
            let mut before = Lit::FALSE;
            for (lit, _) in &mut found {
                let chosen = std::mem::replace(lit, Lit::FALSE);
                *lit = self.circuit.and(chosen, !before);
                before = self.circuit.or(before, chosen);
            }
        }
        found
    }

    /// The value of `(select column from …)`: null where no row is chosen.
    pub(crate) fn scalar(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<Sym> {
        let (output, found) = self.only_row(formula, env)?;
        let (mut sort, mut cases) = (None, Vec::new());
        for (there, inner) in found {
            let value = self.evaluate(output, &inner);
            sort = sort.or(value.sort);
            for (when, value) in value.cases.iter() {
                let when = self.circuit.and(there, *when);
                self.merge(&mut cases, when, value.clone());
            }
        }
        Some(Sym { sort, cases: cases.into() })
    }

    /// The same where it is a truth value.
    pub(crate) fn scalar_condition(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<Tri> {
        let (output, found) = self.only_row(formula, env)?;
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for (there, inner) in found {
            let held = self.condition(output, &inner);
            yes.push(self.circuit.and(there, held.yes));
            no.push(self.circuit.and(there, held.no));
        }
        Some(Tri { yes: self.circuit.any(yes), no: self.circuit.any(no) })
    }

    /// The row that a query for one value chooses. Of several Postgres makes an error, so there are no more.
    fn only_row(&mut self, formula: &'m Formula, env: &Env<'m>) -> Option<(&'m Formula, Vec<(Lit, Env<'m>)>)> {
        let select = sorts::query(formula.bare()).and_then(Sql::select)?;
        let [output] = select.output.as_slice() else { return None };
        let found = self.selected(select, env);
        let lits: Vec<Lit> = found.iter().map(|(lit, _)| *lit).collect();
        self.circuit.at_most_one(&lits);
        Some((output, found))
    }

    /// What there is of something that a query reads.
    fn fetched(&mut self, from: &'m From, env: &Env<'m>) -> Vec<(Lit, Fetched<'m>)> {
        match &from.of {
            Read::Entity(entity) => {
                let mut rows = Vec::new();
                for row in self.table(*entity) {
                    // A query runs with the rights of who asks, but for that of a function or a view with its owner's.
                    let seen = if env.rights.owner { Lit::TRUE } else { crate::access::sees(self, row) };
                    let exists = self.rows[row].exists;
                    rows.push((self.circuit.and(exists, seen), Fetched::Row(row)));
                }
                rows
            }
            Read::View(view) => self.given_by(*view, env.rights, env.depth),
            Read::Query(selects) => {
                let mut around = env.clone();
                around.queries.clear();
                let mut rows = Vec::new();
                for select in selects {
                    for (lit, inner) in self.selected(select, &around) {
                        rows.push((lit, Fetched::View(select, Box::new(inner))));
                    }
                }
                rows
            }
            Read::Call(_, span) | Read::Other(span) => vec![(self.perhaps(*span), Fetched::Other(from))],
        }
    }

    /// The rows that a view gives to who reads it with these rights.
    fn given_by(&mut self, view: usize, rights: Rights, depth: usize) -> Vec<(Lit, Fetched<'m>)> {
        /// Views that read views end somewhere.
        const DEEPEST: usize = 16;
        let model = self.model;
        let selects = selects(model, view);
        let declared = &model.views[view];
        let may = crate::access::may_use(model, &self.role, &declared.roles, &Object::View(view), "select");
        if !rights.owner && !may {
            return Vec::new();
        }
        if selects.is_empty() || depth >= DEEPEST {
            return vec![(self.perhaps(declared.meta.span), Fetched::Nothing)];
        }
        let env = Env::asking(rights.viewing(declared), depth + 1);
        let mut rows = Vec::new();
        for select in selects {
            for (lit, inner) in self.selected(select, &env) {
                rows.push((lit, Fetched::View(select, Box::new(inner))));
            }
        }
        rows
    }

    /// Whether there is something of which nothing is known.
    pub(crate) fn perhaps(&mut self, span: Span) -> Lit {
        let wire = self.circuit.free();
        self.unknowns.push(Unknown { span, wires: vec![wire] });
        wire
    }
}
