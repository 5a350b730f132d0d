//! The shape of a policy's condition.
//!
//! What reads only the row and the session stays as it is, with session values in scalar subselects. What reads other
//! tables goes through a helper that runs as the owner, so policies never read each other: where the answer does not
//! depend on the row, the helper gives a set of keys and the condition is `column = any (array(select helper()))`
//! (measured 1.1 times the cost of a literal list); where it does, the helper takes the row's columns and runs once for each
//! row, which is said in a warning.

use super::helpers::{Helpers, Wanted, function_id};
use crate::expr::{Chain, Folder, Frame, RowRef, Session, column};
use crate::structure::functions;
use crate::types::data_type;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_catalog::{DataType, ObjectId, Returns, SqlExpr};
use specc_diag::{Diagnostic, Span, codes};
use specc_model::formula::{Exists, Formula, Level, Node, Operator, Row};
use specc_model::scope::{PathStep, Scope};
use specc_model::{EntityId, FieldIx, Model};
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
    /// Columns that an index has to serve.
    pub indexes: Vec<(EntityId, FieldIx)>,
    /// Functions of the spec and of the helper schema that the conditions call.
    pub calls: Vec<ObjectId>,
    pub viewer_fields: Vec<FieldIx>,
    /// Inside `not`, where null and false are not the same: only shapes that keep them apart will do.
    pub exact: bool,
}

/// SQL, and how tightly it holds together.
struct Shaped {
    sql: String,
    level: Level,
}

impl Shaped {
    /// As an operand that has to hold together at least this tightly.
    fn operand(self, least: Level) -> String {
        if self.level < least { format!("({})", self.sql) } else { self.sql }
    }
}

/// What a helper's body asks for.
struct Asked {
    params: Vec<FieldIx>,
    reads: Vec<EntityId>,
    functions: Vec<usize>,
    viewer: Vec<FieldIx>,
    session: Session,
    captured: bool,
}

impl Asked {
    fn of(folder: Folder<'_>) -> Self {
        let mut reads = folder.reads;
        reads.extend(folder.followed.iter().map(|s| folder.model.step_target(*s)));
        let Folder { params, functions, viewer_fields, session, captured, .. } = folder;
        Self { params, reads, functions, viewer: viewer_fields, session, captured }
    }
}

impl Shaper<'_> {
    /// The SQL of a condition over the entity's row, and the row's columns that it reads.
    pub fn condition(&mut self, formula: &Formula) -> (String, Vec<SmolStr>) {
        let frame = Frame::of(&Scope::of(self.entity), &[RowRef::Bare]);
        let mut columns = Vec::new();
        let shaped = self.shape(formula, &frame, &mut columns);
        columns.sort();
        columns.dedup();
        (shaped.sql, columns)
    }

    /// The SQL of a condition that is taken as it is written.
    pub fn as_written(&mut self, formula: &Formula) -> SqlExpr {
        let mut folder = Folder::new(self.model, Frame::of(&Scope::of(self.entity), &[RowRef::Bare]));
        let text = folder.text(formula).into();
        let columns = folder.columns();
        self.note(Asked::of(folder));
        SqlExpr { text, columns }
    }

    fn shape(&mut self, formula: &Formula, frame: &Frame, columns: &mut Vec<SmolStr>) -> Shaped {
        match &formula.node {
            Node::Nested(inner) => self.shape(inner, frame, columns),
            Node::Binary(Operator::And, _) => self.conjunction(formula, frame, columns),
            Node::Binary(Operator::Or, _) => {
                let parts = formula.chain(&Operator::Or);
                let parts: Vec<_> = parts.into_iter().map(|part| self.shape(part, frame, columns).sql).collect();
                Shaped { sql: parts.join(" or "), level: Level::OR }
            }
            Node::Not(inner) => {
                let outer = std::mem::replace(&mut self.exact, true);
                let inner = self.shape(inner, frame, columns);
                self.exact = outer;
                Shaped { sql: format!("not {}", inner.operand(Level::NOT)), level: Level::NOT }
            }
            // A nesting without end was reported by the checker.
            Node::Predicate(id, args) => match frame.bind(self.model, *id, args, 64) {
                Some(inner) => {
                    let model = self.model;
                    self.shape(&model.predicates[id.0 as usize].body.formula, &inner, columns)
                }
                None => Shaped { sql: "false".into(), level: Level::ATOM },
            },
            _ => self.atom(formula, frame, columns),
        }
    }

    /// Conditions that all have to hold. Those that ask the same related row are asked together, so that one helper gives
    /// the few keys that satisfy all of them, and never the many that satisfy one.
    fn conjunction(&mut self, formula: &Formula, frame: &Frame, columns: &mut Vec<SmolStr>) -> Shaped {
        let parts = formula.chain(&Operator::And);
        let steps: Vec<_> = parts.iter().map(|part| self.one_way(part, frame)).collect();
        let mut sql = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if let Some(step) = steps[at] {
                if steps[..at].contains(&Some(step)) {
                    continue;
                }
                let same: Vec<_> = (at..parts.len()).filter(|n| steps[*n] == Some(step)).map(|n| parts[n]).collect();
                let shaped = self.related(&same, step, frame, columns);
                sql.push(shaped.operand(Level::AND));
                continue;
            }
            let shaped = self.shape(part, frame, columns);
            sql.push(shaped.operand(Level::AND));
        }
        Shaped { sql: sql.join(" and "), level: Level::AND }
    }

    /// The one relation behind which everything lies that a condition reads of the row, if it is like that.
    fn one_way(&self, formula: &Formula, frame: &Frame) -> Option<PathStep> {
        let formula = formula.bare();
        let splits = matches!(
            formula.node,
            Node::Binary(Operator::And | Operator::Or, _) | Node::Not(_) | Node::Exists(_) | Node::Predicate(..)
        );
        if splits {
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

    /// Conditions on one related row. Where who is asking matters, the related rows that satisfy them are few: a set of
    /// keys. Where it does not, they may be most of the table, and the one row is looked up by its key.
    fn related(&mut self, parts: &[&Formula], step: PathStep, frame: &Frame, columns: &mut Vec<SmolStr>) -> Shaped {
        let Some(whole) = Formula::all(parts) else { return Shaped { sql: "true".into(), level: Level::ATOM } };
        let mut survey = self.folder(frame, &RowRef::Bare);
        survey.text(&whole);
        let asks_who = survey.session.any();
        drop(survey);
        if self.exact {
            return self.per_row(&whole, frame, columns, asks_who);
        }
        if asks_who && let Some(shaped) = self.member_set(&[step], None, Some(&whole), frame, columns) {
            return shaped;
        }
        let mut folder = self.folder(frame, &RowRef::Params);
        let chain = folder.chain(&[step], false);
        let tie: Vec<_> = folder
            .link_fields(step)
            .iter()
            .map(|((_, ours), (entity, theirs))| {
                let theirs = column(self.model, *entity, *theirs);
                format!("{}.{theirs} = {}", quote::ident(&chain.first), folder.own_value(*ours))
            })
            .collect();
        folder.frame = folder.frame.rebased(&RowRef::Behind(step, chain.last.clone()));
        let condition = folder.operand(&whole);
        let text =
            format!("exists (\n    select from {}\n    where {}\n  )", chain.from, chain.conditions(tie, &condition));
        self.row_helper(text, Asked::of(folder), columns)
    }

    fn folder(&self, frame: &Frame, base: &RowRef) -> Folder<'_> {
        let mut folder = Folder::new(self.model, frame.rebased(base));
        folder.wrap = true;
        folder
    }

    fn atom(&mut self, formula: &Formula, frame: &Frame, columns: &mut Vec<SmolStr>) -> Shaped {
        if let Node::Exists(exists) = &formula.node {
            let steps = frame.place(&exists.row).along(&exists.steps).steps;
            // A reference that is null has no related row: `not exists` is true of it, and `not null = any (…)` is not.
            let nullable = steps.first().is_some_and(|s| !s.back && self.model.relation(s.relation).nullable);
            if !(self.exact && nullable)
                && let Some(shaped) = self.member_set(&steps, Some(exists), None, frame, columns)
            {
                return shaped;
            }
            return self.per_row(formula, frame, columns, true);
        }
        let mut survey = self.folder(frame, &RowRef::Bare);
        let (sql, level) = survey.open(formula);
        if survey.paths.is_empty() {
            columns.extend(survey.columns());
            self.note(Asked::of(survey));
            self.session_index(formula, frame);
            return Shaped { sql, level };
        }
        drop(survey);
        match self.one_way(formula, frame) {
            Some(step) => self.related(&[formula], step, frame, columns),
            None => self.per_row(formula, frame, columns, true),
        }
    }

    /// `column = any (array(select helper()))`: the helper gives the keys of the rows for which the condition holds.
    /// Either `asked` is over the last table of `steps`, or `behind` is over what lies behind the one step.
    fn member_set(
        &mut self,
        steps: &[PathStep],
        asked: Option<&Exists>,
        behind: Option<&Formula>,
        frame: &Frame,
        columns: &mut Vec<SmolStr>,
    ) -> Option<Shaped> {
        let model = self.model;
        let first = *steps.first()?;
        let mut folder = self.folder(frame, &RowRef::Params);
        // Where the way leads to a table and straight back from it, the table in the middle says nothing new.
        let shortcut = steps.get(1).filter(|second| {
            let (a, b) = (model.relation(first.relation), model.relation(second.relation));
            let hides = model.entity(a.to).visible.is_some() && !asked.is_some_and(|exists| exists.including_deleted);
            !first.back && second.back && a.to_fields == b.to_fields && !hides
        });
        let (links, walk) = match shortcut {
            Some(second) => {
                let (a, b) = (model.relation(first.relation), model.relation(second.relation));
                let ours = a.fields.iter().map(|f| (a.from, *f));
                let theirs = b.fields.iter().map(|f| (b.from, *f));
                (ours.zip(theirs).collect(), &steps[1..])
            }
            None => (folder.link_fields(first), steps),
        };
        let chain = folder.chain(walk, asked.is_some_and(|exists| exists.including_deleted));
        let text = match (asked, behind) {
            (Some(exists), _) => folder.inside(&chain, &exists.condition),
            (None, Some(formula)) => {
                folder.frame = folder.frame.rebased(&RowRef::Behind(first, chain.last.clone()));
                folder.operand(formula)
            }
            _ => return None,
        };
        if !folder.params.is_empty() {
            return None;
        }
        let keys: Vec<_> = links
            .iter()
            .map(|(_, (entity, field))| format!("{}.{}", quote::ident(&chain.first), column(model, *entity, *field)))
            .collect();
        let body = select(&keys.join(", "), &chain, &text);
        let mut met = Asked::of(folder);
        met.reads = walk.iter().map(|s| model.step_target(*s)).chain(met.reads).collect();
        let ours: Vec<_> = links.iter().map(|((entity, field), _)| column(model, *entity, *field)).collect();
        columns.extend(links.iter().map(|((e, f), _)| model.entity(*e).fields[*f].name.clone()));
        let types: Vec<_> = links.iter().map(|(_, (e, f))| (*e, *f)).collect();
        let returns = match types.as_slice() {
            [(e, f)] => Returns::SetOf(data_type(model, &model.entity(*e).fields[*f].ty)),
            many => Returns::Table(
                many.iter()
                    .map(|(e, f)| {
                        let field = &model.entity(*e).fields[*f];
                        (format!("key_{}", field.name).into(), data_type(model, &field.ty))
                    })
                    .collect(),
            ),
        };
        let ((ours_entity, ours_field), _) = links[0];
        self.indexes.push((ours_entity, ours_field));
        if let Some(exists) = asked {
            self.index_in(chain.target, &exists.condition);
        }
        let call = self.helper(Vec::new(), returns, body, met);
        let sql = match ours.as_slice() {
            [one] => format!("{one} = any (array(select {call}()))"),
            many => {
                let outs: Vec<_> = types
                    .iter()
                    .map(|(e, f)| format!("h.{}", quote::ident(&format!("key_{}", model.entity(*e).fields[*f].name))))
                    .collect();
                format!("({}) in (select {} from {call}() as h)", many.join(", "), outs.join(", "))
            }
        };
        Some(Shaped { sql, level: Level::COMPARE })
    }

    /// A helper that takes columns of the row and answers for this row alone. `warn`: there is a faster way to say it.
    fn per_row(&mut self, formula: &Formula, frame: &Frame, columns: &mut Vec<SmolStr>, warn: bool) -> Shaped {
        let mut folder = self.folder(frame, &RowRef::Params);
        let text = folder.text(formula);
        let asked = Asked::of(folder);
        if warn {
            let name = &self.model.entity(self.entity).name.name;
            let message = format!("`{}` asks other tables once for each row of `{name}`", self.rule);
            self.diagnostics.push(
                Diagnostic::new(codes::PER_ROW_POLICY, self.span, message)
                    .help("let the condition depend on the viewer and on the related rows alone, or carry the column over to this entity"),
            );
        }
        self.row_helper(text, asked, columns)
    }

    /// The call of a helper with this answer, which takes the columns that `asked` names.
    fn row_helper(&mut self, text: String, asked: Asked, columns: &mut Vec<SmolStr>) -> Shaped {
        let model = self.model;
        let fields = &model.entity(self.entity).fields;
        let types: Vec<DataType> = asked.params.iter().map(|f| data_type(model, &fields[*f].ty)).collect();
        let args: Vec<_> = asked.params.iter().map(|f| column(model, self.entity, *f)).collect();
        columns.extend(asked.params.iter().map(|f| fields[*f].name.clone()));
        let returns = Returns::Type(DataType::builtin("boolean"));
        let body = format!("select {text}");
        let call = self.helper(types, returns, body, asked);
        Shaped { sql: format!("{call}({})", args.join(", ")), level: Level::ATOM }
    }

    fn helper(&mut self, params: Vec<DataType>, returns: Returns, body: String, asked: Asked) -> String {
        let model = self.model;
        self.viewer_fields.extend(&asked.viewer);
        let mut calls: Vec<_> = asked.functions.iter().map(|f| functions::id(model, &model.functions[*f])).collect();
        calls.extend(session_calls(model, &asked));
        let wanted = Wanted { params, returns, body, reads: asked.reads, functions: calls };
        let id = self.helpers.get(model, wanted, self.shared);
        let call = quote::qualified(&id.schema, &id.name);
        self.calls.push(id);
        call
    }

    /// Keeps what stands in the policy itself: it is read and called with the rights of who asks.
    fn note(&mut self, asked: Asked) {
        let model = self.model;
        self.calls.extend(session_calls(model, &asked));
        self.reads.extend(asked.reads.into_iter().map(|read| (read, self.span)));
        self.viewer_fields.extend(asked.viewer);
        for function in asked.functions.iter().map(|at| &model.functions[*at]) {
            self.calls.push(functions::id(model, function));
            // What an invoker function reads is read with the rights of who asks.
            if !function.security_definer {
                let read = function.depends.iter().filter_map(|o| match o {
                    specc_model::Object::Entity(e) => Some((*e, self.span)),
                    _ => None,
                });
                self.reads.extend(read);
            }
        }
        if asked.captured {
            let table = &model.entity(self.entity).name.name;
            let message =
                format!("the query in `{}` reads `{table}`, which hides the row that the rule is about", self.rule);
            let help = format!("give it another name in the query: `from {table} as other`");
            self.diagnostics.push(Diagnostic::new(codes::AMBIGUOUS, self.span, message).help(help));
        }
    }

    /// `user_id = viewer` asks for an index on `user_id`.
    fn session_index(&mut self, formula: &Formula, frame: &Frame) {
        let Some((left, right)) = formula.equality() else { return };
        let own = |side: &Formula| match &side.bare().node {
            Node::Column(row, field) => {
                let place = frame.place(row);
                (place.own && place.steps.is_empty()).then_some(*field)
            }
            _ => None,
        };
        if let Some(field) = beside_viewer(left, right, own) {
            self.indexes.push((self.entity, field));
        }
    }

    /// The same for a condition over another entity's row.
    fn index_in(&mut self, entity: EntityId, condition: &Formula) {
        for part in condition.bare().chain(&Operator::And) {
            let Some((left, right)) = part.bare().equality() else { continue };
            let bound = |side: &Formula| match side.bare().node {
                Node::Column(Row::Bound(_), field) => Some(field),
                _ => None,
            };
            if let Some(field) = beside_viewer(left, right, bound) {
                self.indexes.push((entity, field));
            }
        }
    }
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

fn select(keys: &str, chain: &Chain, condition: &str) -> String {
    format!("select {keys}\n  from {}\n  where {}", chain.from, chain.conditions([], condition))
}
