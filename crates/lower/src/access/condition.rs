//! The shape of a policy's condition.
//!
//! What reads only the row and the session stays as it is, with session values in scalar subselects. What reads other
//! tables goes through a helper that runs as the owner, so policies never read each other: where the answer does not
//! depend on the row, the helper gives a set of keys and the condition is `column = any ((select helper())::uuid[])`
//! (measured 1.1 times the cost of a literal list), see `sets`; where it does, the helper takes the row's columns and runs
//! once for each row, which is said in a warning.

use super::helpers::{Answer, Helpers, Wanted, function_id};
use super::hidden;
use super::lookups::Lookup;
use super::sets::Set;
use crate::expr::{Folder, Frame, Place, RowRef, Session, captured, column};
use crate::structure::functions;
use crate::types::data_type;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{DataType, ObjectId, SqlExpr};
use specc_diag::{Diagnostic, Span, codes};
use specc_model::formula::{Exists, Formula, Level, Node, Operator, Row};
use specc_model::scope::{PathStep, Scope};
use specc_model::{EntityId, FieldIx, Model, Object};
use specc_sql::quote;

/// What the rules of one entity share.
pub(super) struct Shaper<'a> {
    pub model: &'a Model,
    pub diagnostics: Vec<Diagnostic>,
    pub helpers: Helpers,
    /// Names that two helpers would share.
    pub shared: &'a FxHashSet<ObjectId>,
    pub entity: EntityId,
    /// Of the rule at hand.
    pub rule: SmolStr,
    pub span: Span,
    /// Tables that plain subqueries read with the rights of who asks, and where.
    pub reads: Vec<(EntityId, Span)>,
    /// Those of them that the rule asks itself, in no function.
    pub queried: Vec<EntityId>,
    /// What an index has to serve.
    pub lookups: Vec<Lookup>,
    /// Functions of the spec and of the helper schema that the conditions call.
    pub calls: Vec<ObjectId>,
    pub viewer_fields: Vec<FieldIx>,
    /// Inside `not`, where null and false are not the same: only shapes that keep them apart will do.
    pub exact: bool,
    /// The condition at hand is negated: it opens where it does not hold.
    pub negative: bool,
    /// Tables of plain queries that open where they show no rows.
    pub hidden: Vec<EntityId>,
    /// The conditions stand in the body of a function, whose search path has no extensions.
    pub fixed: bool,
    /// Whom the rule at hand is for.
    pub roles: Vec<SmolStr>,
}

/// SQL, how tightly it holds together, and how the rows that satisfy it are found.
pub(super) struct Shaped {
    pub sql: String,
    pub level: Level,
    pub found: Found,
}

/// How Postgres can find the rows that satisfy a condition.
pub(super) enum Found {
    /// It asks nothing of the row: all rows, or none.
    Session(Box<Asked>),
    /// By the value of a column, which an index serves.
    Column(FieldIx),
    /// By keys that a helper gives, once it is known what else it gives.
    Set(Box<Set>),
    /// By looking at each.
    Scan,
}

impl Shaped {
    pub fn scan(sql: String, level: Level) -> Self {
        Self { sql, level, found: Found::Scan }
    }

    /// As an operand that has to hold together at least this tightly.
    fn operand(self, least: Level) -> String {
        if self.level < least { format!("({})", self.sql) } else { self.sql }
    }
}

/// A condition and the rows that it can name: a part of a rule, or of a predicate that the rule uses.
type Part<'f> = (&'f Formula, Frame);

/// What a piece of SQL asks for.
#[derive(Clone)]
pub(super) struct Asked {
    /// Columns of the guarded row, or none for the row as a whole.
    pub params: Vec<Option<FieldIx>>,
    pub reads: Vec<EntityId>,
    /// Those of them that plain queries read.
    pub queried: Vec<EntityId>,
    pub functions: Vec<usize>,
    pub viewer: Vec<FieldIx>,
    pub session: Session,
    /// A name that a plain query takes from a row outside it.
    pub captured: Option<SmolStr>,
}

impl Asked {
    /// What another piece asks for, too.
    pub fn add(&mut self, other: Asked) {
        self.reads.extend(other.reads);
        self.queried.extend(other.queried);
        self.functions.extend(other.functions);
        self.viewer.extend(other.viewer);
        self.session.viewer |= other.session.viewer;
        self.session.claims |= other.session.claims;
        self.captured = self.captured.take().or(other.captured);
    }

    pub fn of(folder: Folder<'_>) -> Self {
        let mut reads = folder.reads;
        let queried = reads.clone();
        reads.extend(folder.followed.iter().map(|s| folder.model.step_target(*s)));
        let Folder { params, functions, viewer_fields, session, captured, .. } = folder;
        Self { params, reads, queried, functions, viewer: viewer_fields, session, captured }
    }
}

impl Shaper<'_> {
    /// The SQL of conditions over the entity's row of which one has to hold, and the row's columns that they read.
    pub fn condition(&mut self, formulas: &[&Formula]) -> (String, Vec<SmolStr>) {
        let frame = Frame::of(&Scope::of(self.entity), &[RowRef::Bare]);
        let mut columns = Vec::new();
        let mut parts = Vec::new();
        formulas.iter().for_each(|formula| self.flatten(formula, &frame, &Operator::Or, &mut parts));
        let shaped = self.any(&parts, "\n    or ", &mut columns);
        let shaped = self.settle(shaped);
        columns.sort();
        columns.dedup();
        (shaped.sql, columns)
    }

    /// The SQL of a condition that is taken as it is written.
    pub fn as_written(&mut self, formula: &Formula) -> SqlExpr {
        let mut folder = Folder::new(self.model, Frame::of(&Scope::of(self.entity), &[RowRef::Bare]));
        folder.fixed = self.fixed;
        let text = folder.text(formula).into();
        let columns = folder.columns();
        self.note(Asked::of(folder));
        hidden::tables(self.model, formula, self.negative, &mut self.hidden);
        SqlExpr { text, columns }
    }

    /// The operands of a chain of `op`, also those in parentheses and in the predicates that it uses.
    fn flatten<'f>(&self, formula: &'f Formula, frame: &Frame, op: &Operator, parts: &mut Vec<Part<'f>>)
    where
        Self: 'f,
    {
        let model = self.model;
        match &formula.node {
            Node::Nested(inner) => self.flatten(inner, frame, op, parts),
            Node::Binary(own, _) if own == op => {
                formula.chain(op).into_iter().for_each(|part| self.flatten(part, frame, op, parts));
            }
            // A nesting without end was reported by the checker.
            Node::Predicate(id, args) => match frame.bind(model, *id, args, 0) {
                Some(inner) => self.flatten(&model.predicates[id.0 as usize].body.formula, &inner, op, parts),
                None => parts.push((formula, frame.clone())),
            },
            _ => parts.push((formula, frame.clone())),
        }
    }

    fn shape(&mut self, formula: &Formula, frame: &Frame, columns: &mut Vec<SmolStr>) -> Shaped {
        let mut parts = Vec::new();
        self.flatten(formula, frame, &Operator::Or, &mut parts);
        if parts.len() > 1 {
            return self.any(&parts, " or ", columns);
        }
        parts.clear();
        self.flatten(formula, frame, &Operator::And, &mut parts);
        if parts.len() > 1 {
            return self.conjunction(&parts, columns);
        }
        let Some((formula, frame)) = parts.pop() else { return Shaped::scan("true".into(), Level::ATOM) };
        if let Node::Not(inner) = &formula.node {
            let outer = std::mem::replace(&mut self.exact, true);
            self.negative = !self.negative;
            let inner = self.shape(inner, &frame, columns);
            let inner = self.settle(inner);
            self.negative = !self.negative;
            self.exact = outer;
            return Shaped::scan(format!("not {}", inner.operand(Level::NOT)), Level::NOT);
        }
        self.atom(formula, &frame, columns)
    }

    /// Conditions of which one has to hold.
    fn any(&mut self, parts: &[Part<'_>], or: &str, columns: &mut Vec<SmolStr>) -> Shaped {
        let shaped = parts.iter().map(|(formula, frame)| self.shape(formula, frame, columns)).collect();
        let mut shaped = if self.exact { shaped } else { self.united(shaped) };
        if shaped.len() == 1
            && let Some(only) = shaped.pop()
        {
            return only;
        }
        let sql: Vec<_> = shaped.into_iter().map(|part| self.settle(part).operand(Level::AND)).collect();
        Shaped::scan(sql.join(or), Level::OR)
    }

    /// Conditions that all have to hold. Those that ask the same related row are asked together, so that one helper gives
    /// the few keys that satisfy all of them, and never the many that satisfy one.
    fn conjunction(&mut self, parts: &[Part<'_>], columns: &mut Vec<SmolStr>) -> Shaped {
        let steps: Vec<_> = parts.iter().map(|(formula, frame)| self.one_way(formula, frame)).collect();
        let mut shaped: Vec<Shaped> = Vec::new();
        let mut taken = vec![false; parts.len()];
        for at in 0..parts.len() {
            let Some((place, exists)) = self.asks_behind(&parts[at]) else { continue };
            let first = place.steps.first().copied();
            let beside: Vec<usize> = (0..parts.len()).filter(|n| !taken[*n] && steps[*n] == first).collect();
            if beside.is_empty() || self.exact {
                continue;
            }
            let behind: Vec<&Part<'_>> = beside.iter().map(|n| &parts[*n]).collect();
            if let Some(set) = self.set(&place.steps, Some((exists, &parts[at].1)), &behind, columns) {
                shaped.push(set);
                beside.into_iter().chain([at]).for_each(|n| taken[n] = true);
            }
        }
        for at in 0..parts.len() {
            if std::mem::replace(&mut taken[at], true) {
                continue;
            }
            let (formula, frame) = &parts[at];
            let Some(step) = steps[at] else {
                shaped.push(self.shape(formula, frame, columns));
                continue;
            };
            let same = |n: &usize| !taken[*n] && steps[*n] == Some(step) && parts[*n].1 == *frame;
            let more: Vec<usize> = (at..parts.len()).filter(same).collect();
            more.iter().for_each(|n| taken[*n] = true);
            let same: Vec<&Formula> = std::iter::once(at).chain(more).map(|n| parts[n].0).collect();
            shaped.push(self.related(&same, step, frame, columns));
        }
        if shaped.iter().all(|part| matches!(part.found, Found::Session(_))) {
            return all_of_session(shaped);
        }
        // Rows that satisfy all of them are among those that satisfy one.
        let mut found = Found::Scan;
        let mut sql = Vec::new();
        for part in shaped {
            let part = self.settle(part);
            if let (Found::Scan, Found::Column(field)) = (&found, &part.found) {
                found = Found::Column(*field);
            }
            sql.push(part.operand(Level::AND));
        }
        Shaped { sql: sql.join(" and "), level: Level::AND, found }
    }

    /// `exists path (…)` that starts with a reference which is never null, and the way that it goes.
    fn asks_behind<'f>(&self, (formula, frame): &Part<'f>) -> Option<(Place, &'f Exists)> {
        let Node::Exists(exists) = &formula.bare().node else { return None };
        let place = frame.place(&exists.row).along(&exists.steps);
        let first = place.steps.first()?;
        (place.own && !first.back && !self.model.relation(first.relation).nullable).then_some((place, &**exists))
    }

    /// The one relation behind which everything lies that a condition reads of the row, if it is like that.
    fn one_way(&self, formula: &Formula, frame: &Frame) -> Option<PathStep> {
        let formula = formula.bare();
        let splits = matches!(formula.node, Node::Binary(Operator::And | Operator::Or, _) | Node::Exists(_));
        if splits || matches!(&formula.node, Node::Not(inner) if !inner.is_strict()) {
            return None;
        }
        let mut survey = self.folder(frame, &RowRef::Bare);
        survey.text(formula);
        let first = *survey.paths.first()?.first()?;
        let all = survey.paths.iter().all(|steps| steps.first() == Some(&first));
        let relation = self.model.relation(first.relation);
        let same_for_null = !(relation.nullable || first.back) || formula.is_strict();
        (all && survey.direct.is_empty() && survey.reads.is_empty() && same_for_null).then_some(first)
    }

    pub(super) fn folder(&self, frame: &Frame, base: &RowRef) -> Folder<'_> {
        let mut folder = Folder::new(self.model, frame.rebased(base));
        // A policy of Citus has no subquery: it reads the session for each row.
        folder.wrap = !crate::citus::is_shared(self.model, self.entity);
        // Helpers find their names when they are made.
        folder.fixed = self.fixed && *base == RowRef::Bare;
        folder
    }

    fn atom(&mut self, formula: &Formula, frame: &Frame, columns: &mut Vec<SmolStr>) -> Shaped {
        if let Node::Exists(exists) = &formula.node {
            let steps = frame.place(&exists.row).along(&exists.steps).steps;
            // A reference that is null has no related row: `not exists` is true of it, and `not null = any (…)` is not.
            let nullable = steps.first().is_some_and(|s| !s.back && self.model.relation(s.relation).nullable);
            if !(self.exact && nullable)
                && let Some(set) = self.set(&steps, Some((exists, frame)), &[], columns)
            {
                return set;
            }
            return self.per_row(formula, frame, columns);
        }
        let mut survey = self.folder(frame, &RowRef::Bare);
        let (sql, level) = survey.open(formula);
        if survey.paths.is_empty() {
            let own = survey.columns();
            let asked = Asked::of(survey);
            let session = own.is_empty() && asked.session.any() && asked.reads.is_empty() && asked.functions.is_empty();
            columns.extend(own);
            if session {
                return Shaped { sql, level, found: Found::Session(Box::new(asked)) };
            }
            self.note(asked);
            hidden::tables(self.model, formula, self.negative, &mut self.hidden);
            let found = self.session_index(formula, frame).map_or(Found::Scan, Found::Column);
            return Shaped { sql, level, found };
        }
        drop(survey);
        match self.one_way(formula, frame) {
            Some(step) => self.related(&[formula], step, frame, columns),
            None => self.per_row(formula, frame, columns),
        }
    }

    /// A helper that takes columns of the row and answers for this row alone, which is slow where many are read.
    pub(super) fn per_row(&mut self, formula: &Formula, frame: &Frame, columns: &mut Vec<SmolStr>) -> Shaped {
        let mut folder = self.folder(frame, &RowRef::Params);
        let text = folder.text(formula);
        let asked = Asked::of(folder);
        let name = &self.model.entity(self.entity).name.name;
        let message = format!("`{}` asks other tables once for each row of `{name}`", self.rule);
        self.diagnostics.push(
            Diagnostic::new(codes::PER_ROW_POLICY, self.span, message)
                .help("let the condition depend on the viewer and on the related rows alone, or carry the column over to this entity"),
        );
        self.row_helper(text, asked, columns)
    }

    /// The call of a helper with this answer, which takes the columns that `asked` names.
    pub(super) fn row_helper(&mut self, text: String, asked: Asked, columns: &mut Vec<SmolStr>) -> Shaped {
        let model = self.model;
        let entity = model.entity(self.entity);
        let row = || DataType { schema: entity.name.schema.clone(), ..DataType::builtin(entity.name.name.clone()) };
        let ty = |f: &Option<FieldIx>| f.map_or_else(row, |f| data_type(model, &entity.fields[f].ty));
        let arg = |f: &Option<FieldIx>| match f {
            Some(f) => column(model, self.entity, *f),
            None => format!("{}.*", quote::ident(&entity.name.name)),
        };
        let types: Vec<DataType> = asked.params.iter().map(ty).collect();
        let args: Vec<_> = asked.params.iter().map(arg).collect();
        let read = asked.params.iter().flat_map(|f| f.map_or(0..entity.fields.len(), |f| f..f + 1));
        columns.extend(read.map(|f| entity.fields[f].name.clone()));
        let answer = Answer::Value(DataType::builtin("boolean"));
        let body = format!("select {text}");
        let call = self.helper(types, answer, body, asked);
        Shaped::scan(format!("{call}({})", args.join(", ")), Level::ATOM)
    }

    /// The name of the helper with this body.
    pub(super) fn helper(&mut self, params: Vec<DataType>, answer: Answer, body: String, asked: Asked) -> String {
        let model = self.model;
        self.viewer_fields.extend(&asked.viewer);
        self.captured(asked.captured.as_ref());
        self.sees_more(&asked);
        let mut calls: Vec<_> = asked.functions.iter().map(|f| functions::id(model, &model.functions[*f])).collect();
        calls.extend(session_calls(model, &asked));
        let wanted = Wanted { params, answer, body, reads: asked.reads, functions: calls };
        let id = self.helpers.get(model, wanted, self.shared);
        let call = quote::qualified(&id.schema, &id.name);
        self.calls.push(id);
        call
    }

    /// Keeps what stands in the policy itself: it is read and called with the rights of who asks.
    pub(super) fn note(&mut self, asked: Asked) {
        let model = self.model;
        self.calls.extend(session_calls(model, &asked));
        self.queried.extend(asked.queried);
        self.reads.extend(asked.reads.into_iter().map(|read| (read, self.span)));
        self.viewer_fields.extend(asked.viewer);
        for at in asked.functions {
            self.calls.push(functions::id(model, &model.functions[at]));
            let read = model.read_as_asked(Object::Function(at));
            self.reads.extend(read.into_iter().map(|read| (read, self.span)));
        }
        self.captured(asked.captured.as_ref());
    }

    /// A helper sees every row: what is to be seen with the rights of who asks cannot be asked there.
    fn sees_more(&mut self, asked: &Asked) {
        let model = self.model;
        let read = asked.functions.iter().flat_map(|at| model.read_as_asked(Object::Function(*at)));
        let mut tables: Vec<EntityId> = asked.queried.iter().copied().chain(read).collect();
        tables.sort();
        tables.dedup();
        for entity in tables.into_iter().map(|id| model.entity(id)).filter(|e| hidden::sees_less(model, e, &self.roles))
        {
            let name = &entity.name.name;
            let message = format!(
                "in rule `{}`, a plain query would see rows of `{name}` that are hidden from who asks",
                self.rule
            );
            let help = "it stands inside `exists path (…)` or beside a path, where every row is seen: write `exists path (…)` for it, or join it by `and` or `or`";
            self.diagnostics.push(Diagnostic::new(codes::QUERY_IN_HELPER, self.span, message).help(help));
        }
    }

    /// Says where a plain query takes a name from a row outside it.
    fn captured(&mut self, name: Option<&SmolStr>) {
        let Some(name) = name else { return };
        let own = *name == self.model.entity(self.entity).name.name;
        self.diagnostics.push(captured(name, &format!("rule `{}`", self.rule), own, self.span));
    }

    /// `user_id = viewer` asks for an index on `user_id`, and finds rows by it.
    fn session_index(&mut self, formula: &Formula, frame: &Frame) -> Option<FieldIx> {
        let (left, right) = formula.equality()?;
        let own = |side: &Formula| match &side.bare().node {
            Node::Column(row, field) => {
                let place = frame.place(row);
                (place.own && place.steps.is_empty()).then_some(*field)
            }
            _ => None,
        };
        let field = beside_viewer(left, right, own)?;
        self.lookups.push(Lookup::by(self.entity, field));
        Some(field)
    }

    /// The same for a condition over another entity's row.
    pub(super) fn index_in(&mut self, entity: EntityId, condition: &Formula) {
        for part in condition.bare().chain(&Operator::And) {
            let Some((left, right)) = part.bare().equality() else { continue };
            let bound = |side: &Formula| match side.bare().node {
                Node::Column(Row::Bound(_), field) => Some(field),
                _ => None,
            };
            if let Some(field) = beside_viewer(left, right, bound) {
                self.lookups.push(Lookup::by(entity, field));
            }
        }
    }
}

/// Conditions that ask who is asking and nothing of the row.
fn all_of_session(parts: Vec<Shaped>) -> Shaped {
    let mut all: Option<Asked> = None;
    let mut sql = Vec::new();
    for mut part in parts {
        if let Found::Session(asked) = std::mem::replace(&mut part.found, Found::Scan) {
            match &mut all {
                Some(all) => all.add(*asked),
                None => all = Some(*asked),
            }
        }
        sql.push(part.operand(Level::AND));
    }
    let found = all.map_or(Found::Scan, |asked| Found::Session(Box::new(asked)));
    Shaped { sql: sql.join(" and "), level: Level::AND, found }
}

/// The column on one side of an equality whose other side is the viewer.
fn beside_viewer(left: &Formula, right: &Formula, column: impl Fn(&Formula) -> Option<FieldIx>) -> Option<FieldIx> {
    let viewer = |side: &Formula| matches!(side.bare().node, Node::Viewer);
    match (viewer(left), viewer(right)) {
        (false, true) => column(left),
        (true, false) => column(right),
        _ => None,
    }
}

/// The functions that say who is asking, where they are called.
fn session_calls(model: &Model, asked: &Asked) -> Vec<ObjectId> {
    let named = [("viewer_id", asked.session.viewer), ("claims", asked.session.claims)];
    let mut calls: Vec<_> =
        named.iter().filter(|(_, called)| *called).map(|(name, _)| function_id(model, name, &[])).collect();
    if let Some(entity) = model.viewer {
        let names = asked.viewer.iter().map(|f| format!("viewer_{}", model.entity(entity).fields[*f].name));
        calls.extend(names.map(|name| function_id(model, &name, &[])));
    }
    calls
}
