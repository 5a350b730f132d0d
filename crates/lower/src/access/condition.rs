//! The shape of a policy's condition.
//!
//! What reads only the row and the session stays as it is, with session values in scalar subselects. What reads other
//! tables goes through a helper that runs as the owner, so policies never read each other: where the answer does not
//! depend on the row, the helper gives a set of keys and the condition is `column = any (array(select helper()))`
//! (measured 1.1 times the cost of a literal list); where it does, the helper takes the row's columns and runs once for each
//! row, which is said in a warning.

use super::helpers::{Helpers, Wanted, function_id, spec_function};
use crate::expr::{Chain, Folder, RowRef, column, exists_path, is_loose, parts};
use crate::types::data_type;
use smol_str::SmolStr;
use specc_catalog::{DataType, ObjectId, Returns, SqlExpr};
use specc_diag::{Diagnostic, Span, codes};
use specc_model::scope::{PathStep, Resolved, Scope};
use specc_model::{EntityId, FieldIx, Model};
use specc_sql::quote;
use sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};

/// What the rules of one entity share.
pub(super) struct Shaper<'a> {
    pub model: &'a Model,
    pub diagnostics: Vec<Diagnostic>,
    pub helpers: &'a mut Helpers,
    pub entity: EntityId,
    /// Of the rule at hand.
    pub rule: SmolStr,
    pub span: Span,
    pub roles: Vec<SmolStr>,
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

/// How tightly a piece of SQL binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Tight,
}

struct Shaped {
    sql: String,
    binding: Binding,
}

/// What a helper's body asks for.
struct Asked {
    params: Vec<FieldIx>,
    reads: Vec<EntityId>,
    functions: Vec<specc_model::Qualified>,
    viewer: Vec<FieldIx>,
}

impl Asked {
    fn of(model: &Model, folder: Folder<'_>) -> Self {
        let mut reads = folder.reads;
        reads.extend(folder.paths.iter().flat_map(|(_, steps)| steps).map(|s| model.step_target(*s)));
        Self { params: folder.params, reads, functions: folder.functions, viewer: folder.viewer_fields }
    }
}

/// The rows that a condition can name.
#[derive(Clone)]
struct Env {
    scope: Scope,
    rows: Vec<RowRef>,
}

impl Shaper<'_> {
    /// The SQL of a condition over the entity's row, and the row's columns that it reads.
    pub fn condition(&mut self, expr: &Expr) -> (String, Vec<SmolStr>) {
        let env = Env { scope: Scope::of(self.entity), rows: vec![RowRef::Bare] };
        let hint = format!("{}_{}", self.model.entity(self.entity).name.name, self.rule);
        let mut columns = Vec::new();
        let shaped = self.shape(expr, &env, &hint, &mut columns);
        columns.sort();
        columns.dedup();
        (shaped.sql, columns)
    }

    /// The SQL of a condition that is taken as it is written.
    pub fn as_written(&mut self, expr: &Expr) -> SqlExpr {
        let mut folder = Folder::new(self.model, Scope::of(self.entity), vec![RowRef::Bare]);
        let text = folder.text(expr).into();
        let columns = folder.columns();
        let (functions, reads) = (std::mem::take(&mut folder.functions), std::mem::take(&mut folder.reads));
        let viewer = std::mem::take(&mut folder.viewer_fields);
        drop(folder);
        self.note(&functions, &viewer);
        self.reads.extend(reads.into_iter().map(|r| (r, self.span)));
        SqlExpr { text, columns }
    }

    fn shape(&mut self, expr: &Expr, env: &Env, hint: &str, columns: &mut Vec<SmolStr>) -> Shaped {
        match expr {
            Expr::Nested(inner) => return self.shape(inner, env, hint, columns),
            Expr::BinaryOp { op: BinaryOperator::And, .. } => return self.conjunction(expr, env, hint, columns),
            Expr::BinaryOp { op: BinaryOperator::Or, .. } => {
                let parts = chain_of(expr, &BinaryOperator::Or);
                let parts: Vec<_> = parts.into_iter().map(|part| self.shape(part, env, hint, columns).sql).collect();
                return Shaped { sql: parts.join(" or "), binding: Binding::Or };
            }
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                let outer = std::mem::replace(&mut self.exact, true);
                let inner = self.shape(expr, env, hint, columns);
                self.exact = outer;
                let sql = if inner.binding < Binding::Tight { format!("({})", inner.sql) } else { inner.sql };
                return Shaped { sql: format!("not {sql}"), binding: Binding::And };
            }
            _ => {}
        }
        let folder = Folder::new(self.model, env.scope.clone(), env.rows.clone());
        if let Some((id, args)) = folder.predicate_call(expr) {
            let args: Vec<_> = args.into_iter().cloned().collect();
            // A nesting without end was reported by the checker.
            let depth = env.scope.rows.iter().filter(|(alias, _)| alias == "\0").count();
            if depth < 64
                && let Some((scope, rows)) = folder.bind(id, &args)
            {
                let predicate = &self.model.predicates[id.0 as usize];
                let inner = Env { scope, rows };
                return self.shape(&predicate.body.ast, &inner, &predicate.name, columns);
            }
        }
        let sql = self.atom(expr, env, hint, columns);
        let binding = if is_loose(expr) { Binding::Or } else { Binding::Tight };
        Shaped { sql, binding }
    }

    /// Conditions that all have to hold. Those that ask the same related row are asked together, so that one helper gives
    /// the few keys that satisfy all of them, and never the many that satisfy one.
    fn conjunction(&mut self, expr: &Expr, env: &Env, hint: &str, columns: &mut Vec<SmolStr>) -> Shaped {
        let parts = chain_of(expr, &BinaryOperator::And);
        let steps: Vec<_> = parts.iter().map(|part| self.one_way(part, env)).collect();
        let mut sql = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            if let Some(step) = steps[at] {
                if steps[..at].contains(&Some(step)) {
                    continue;
                }
                let same: Vec<_> = (at..parts.len()).filter(|n| steps[*n] == Some(step)).map(|n| parts[n]).collect();
                sql.push(self.related(&same, step, env, hint, columns));
                continue;
            }
            let shaped = self.shape(part, env, hint, columns);
            sql.push(if shaped.binding < Binding::And { format!("({})", shaped.sql) } else { shaped.sql });
        }
        let binding = if sql.len() > 1 { Binding::And } else { Binding::Tight };
        Shaped { sql: sql.join(" and "), binding }
    }

    /// The one relation behind which everything lies that a condition reads of the row, if it is like that.
    fn one_way(&self, expr: &Expr, env: &Env) -> Option<PathStep> {
        let mut expr = expr;
        while let Expr::Nested(inner) = expr {
            expr = inner;
        }
        let splits = matches!(
            expr,
            Expr::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. }
                | Expr::UnaryOp { op: UnaryOperator::Not, .. }
        );
        let mut survey = self.folder(env, RowRef::Bare);
        if splits || exists_path(expr).is_some() || survey.predicate_call(expr).is_some() {
            return None;
        }
        survey.text(expr);
        let first = *survey.paths.first()?.1.first()?;
        let all = survey.paths.iter().all(|(_, steps)| steps.first() == Some(&first));
        let relation = self.model.relation(first.relation);
        let same_for_null = !(relation.nullable || first.back) || is_strict(expr);
        (all && survey.direct.is_empty() && survey.reads.is_empty() && same_for_null).then_some(first)
    }

    /// Conditions on one related row. Where who is asking matters, the related rows that satisfy them are few: a set of
    /// keys. Where it does not, they may be most of the table, and the one row is looked up by its key.
    fn related(
        &mut self,
        parts: &[&Expr],
        step: PathStep,
        env: &Env,
        hint: &str,
        columns: &mut Vec<SmolStr>,
    ) -> String {
        let whole = parts.iter().map(|part| (*part).clone()).reduce(|left, right| Expr::BinaryOp {
            left: Box::new(left),
            op: BinaryOperator::And,
            right: Box::new(right),
        });
        let Some(whole) = whole else { return "true".into() };
        let mut survey = self.folder(env, RowRef::Bare);
        survey.text(&whole);
        let asks_who = survey.session;
        drop(survey);
        if self.exact {
            return self.per_row(&whole, env, hint, columns, asks_who);
        }
        if asks_who && let Some(sql) = self.member_set(&[step], None, Some(&whole), env, hint, columns) {
            return sql;
        }
        let mut folder = self.folder(env, RowRef::Params);
        let chain = folder.chain(&[step]);
        let base = folder.rows.len() - 1;
        let links = folder.link_fields(step);
        let tie: Vec<_> = links
            .iter()
            .map(|((_, ours), (entity, theirs))| {
                let theirs = column(self.model, *entity, *theirs);
                format!("{}.{theirs} = {}", quote::ident(&chain.first), folder.field(base, *ours))
            })
            .collect();
        folder.rows[base] = RowRef::Behind(step, chain.last.clone());
        let condition = folder.text(&whole);
        let text =
            format!("exists (\n    select from {}\n    where {} and {condition}\n  )", chain.from, tie.join(" and "));
        let asked = Asked::of(self.model, folder);
        self.row_helper(text, asked, hint, columns)
    }

    fn folder(&self, env: &Env, base: RowRef) -> Folder<'_> {
        let mut rows = env.rows.clone();
        if let Some(last) = rows.last_mut() {
            *last = base;
        }
        let mut folder = Folder::new(self.model, env.scope.clone(), rows);
        folder.wrap = true;
        folder
    }

    fn atom(&mut self, expr: &Expr, env: &Env, hint: &str, columns: &mut Vec<SmolStr>) -> String {
        if let Some((path, condition)) = exists_path(expr) {
            let folder = self.folder(env, RowRef::Params);
            if let Some(Resolved::Path { row, steps, field: None }) = parts(path).and_then(|p| folder.resolve(&p)) {
                let (_, steps) = folder.origin(row, steps);
                // A reference that is null has no related row: `not exists` is true of it, and `not null = any (…)` is not.
                let nullable = steps.first().is_some_and(|s| !s.back && self.model.relation(s.relation).nullable);
                if !(self.exact && nullable)
                    && let Some(sql) = self.member_set(&steps, Some(condition), None, env, hint, columns)
                {
                    return sql;
                }
            }
            return self.per_row(expr, env, hint, columns, true);
        }
        let mut survey = self.folder(env, RowRef::Bare);
        let sql = survey.text(expr);
        if survey.paths.is_empty() {
            columns.extend(survey.columns());
            let (reads, functions, viewer) = (
                std::mem::take(&mut survey.reads),
                std::mem::take(&mut survey.functions),
                std::mem::take(&mut survey.viewer_fields),
            );
            drop(survey);
            self.note(&functions, &viewer);
            self.reads.extend(reads.into_iter().map(|r| (r, self.span)));
            self.session_index(expr, env);
            return sql;
        }
        drop(survey);
        match self.one_way(expr, env) {
            Some(step) => self.related(&[expr], step, env, hint, columns),
            None => self.per_row(expr, env, hint, columns, true),
        }
    }

    /// `column = any (array(select helper()))`: the helper gives the keys of the rows for which the condition holds.
    /// Either `condition` is over the last table of `steps`, or `behind` is over what lies behind the one step.
    fn member_set(
        &mut self,
        steps: &[PathStep],
        condition: Option<&Expr>,
        behind: Option<&Expr>,
        env: &Env,
        hint: &str,
        columns: &mut Vec<SmolStr>,
    ) -> Option<String> {
        let model = self.model;
        let first = *steps.first()?;
        let mut folder = self.folder(env, RowRef::Params);
        // Where the way leads to a table and straight back from it, the table in the middle says nothing new.
        let shortcut = steps.get(1).filter(|second| {
            let (a, b) = (model.relation(first.relation), model.relation(second.relation));
            !first.back && second.back && a.to_fields == b.to_fields
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
        let chain = folder.chain(walk);
        let text = match (condition, behind) {
            (Some(condition), _) => folder.inside(&chain, condition),
            (None, Some(expr)) => {
                let last = folder.rows.len() - 1;
                folder.rows[last] = RowRef::Behind(first, chain.last.clone());
                folder.text(expr)
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
        let reads = walk.iter().map(|s| model.step_target(*s)).collect();
        let (functions, viewer) = (std::mem::take(&mut folder.functions), std::mem::take(&mut folder.viewer_fields));
        drop(folder);
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
        if let Some(condition) = condition {
            self.index_in(chain.target, condition);
        }
        let name = format!("{hint}_{}s", model.entity(ours_entity).fields[ours_field].name);
        let table = &model.entity(self.entity).name.name;
        let comment = format!("The {} of {table} for which {hint} holds, for who is asking.", ours.join(", "));
        let call = self.helper(name, Vec::new(), returns, body, comment, reads, &functions, &viewer);
        Some(match ours.as_slice() {
            [one] => format!("{one} = any (array(select {call}()))"),
            many => {
                let outs: Vec<_> = types
                    .iter()
                    .map(|(e, f)| format!("h.{}", quote::ident(&format!("key_{}", model.entity(*e).fields[*f].name))))
                    .collect();
                format!("({}) in (select {} from {call}() as h)", many.join(", "), outs.join(", "))
            }
        })
    }

    /// A helper that takes columns of the row and answers for this row alone. `warn`: there is a faster way to say it.
    fn per_row(&mut self, expr: &Expr, env: &Env, hint: &str, columns: &mut Vec<SmolStr>, warn: bool) -> String {
        let mut folder = self.folder(env, RowRef::Params);
        let text = folder.text(expr);
        let asked = Asked::of(self.model, folder);
        if warn {
            let name = &self.model.entity(self.entity).name.name;
            let message = format!("`{}` asks other tables once for each row of `{name}`", self.rule);
            self.diagnostics.push(
                Diagnostic::new(codes::PER_ROW_POLICY, self.span, message)
                    .help("let the condition depend on the viewer and on the related rows alone, or carry the column over to this entity"),
            );
        }
        self.row_helper(text, asked, hint, columns)
    }

    /// The call of a helper with this answer, which takes the columns that `asked` names.
    fn row_helper(&mut self, text: String, asked: Asked, hint: &str, columns: &mut Vec<SmolStr>) -> String {
        let model = self.model;
        let fields = &model.entity(self.entity).fields;
        let types: Vec<DataType> = asked.params.iter().map(|f| data_type(model, &fields[*f].ty)).collect();
        let args: Vec<_> = asked.params.iter().map(|f| column(model, self.entity, *f)).collect();
        columns.extend(asked.params.iter().map(|f| fields[*f].name.clone()));
        let comment = format!("Whether {hint} holds for a row with this {}.", args.join(", "));
        let returns = Returns::Type(DataType::builtin("boolean"));
        let body = format!("select {text}");
        let call =
            self.helper(hint.to_string(), types, returns, body, comment, asked.reads, &asked.functions, &asked.viewer);
        format!("{call}({})", args.join(", "))
    }

    #[allow(clippy::too_many_arguments)] // each is a different fact about one helper
    fn helper(
        &mut self,
        hint: String,
        params: Vec<DataType>,
        returns: Returns,
        body: String,
        comment: String,
        reads: Vec<EntityId>,
        functions: &[specc_model::Qualified],
        viewer: &[FieldIx],
    ) -> String {
        self.viewer_fields.extend(viewer);
        let mut calls: Vec<_> = functions.iter().filter_map(|f| spec_function(self.model, f)).collect();
        for name in ["viewer_id", "claims"] {
            if body.contains(&format!("{}(", quote::qualified(&self.model.options.helper_schema, name))) {
                calls.push(function_id(self.model, name, &[]));
            }
        }
        if let Some(entity) = self.model.viewer {
            let names = viewer.iter().map(|f| format!("viewer_{}", self.model.entity(entity).fields[*f].name));
            calls.extend(names.map(|name| function_id(self.model, &name, &[])));
        }
        let area = self.model.entity(self.entity).meta.area.clone();
        let wanted = Wanted { hint, params: params.clone(), returns, body, comment, reads, functions: calls, area };
        let call = self.helpers.get(self.model, wanted, &self.roles);
        let name = call.rsplit('.').next().unwrap_or_default().trim_matches('"').to_string();
        if let Some(id) = self.helpers.id(self.model, &name) {
            self.calls.push(id);
        }
        call
    }

    fn note(&mut self, functions: &[specc_model::Qualified], viewer: &[FieldIx]) {
        self.viewer_fields.extend(viewer);
        self.calls.extend(functions.iter().filter_map(|f| spec_function(self.model, f)));
        // What an invoker function reads is read with the rights of who asks.
        for name in functions {
            let called = self.model.functions.iter().filter(|f| f.name == *name && !f.security_definer);
            for function in called {
                let read = function.depends.iter().filter_map(|o| match o {
                    specc_model::Object::Entity(e) => Some((*e, self.span)),
                    _ => None,
                });
                self.reads.extend(read);
            }
        }
    }

    /// `user_id = viewer` asks for an index on `user_id`.
    fn session_index(&mut self, expr: &Expr, env: &Env) {
        let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr else { return };
        let folder = Folder::new(self.model, env.scope.clone(), env.rows.clone());
        let meaning = |e: &Expr| parts(e).and_then(|p| folder.resolve(&p));
        let pair = (meaning(left), meaning(right));
        let found = match pair {
            (Some(Resolved::Field { row, field }), Some(Resolved::Viewer))
            | (Some(Resolved::Viewer), Some(Resolved::Field { row, field })) => {
                let (row, steps) = folder.origin(row, Vec::new());
                (steps.is_empty() && row + 1 == env.rows.len()).then_some(field)
            }
            _ => None,
        };
        drop(folder);
        if let Some(field) = found {
            self.indexes.push((self.entity, field));
        }
    }

    /// The same for a condition over another entity's row.
    fn index_in(&mut self, entity: EntityId, condition: &Expr) {
        match condition {
            Expr::Nested(inner) => self.index_in(entity, inner),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                self.index_in(entity, left);
                self.index_in(entity, right);
            }
            Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
                let scope = Scope::of(entity);
                let meaning = |e: &Expr| parts(e).and_then(|p| self.model.resolve(&scope, &p));
                if let (Some(Resolved::Field { field, .. }), Some(Resolved::Viewer))
                | (Some(Resolved::Viewer), Some(Resolved::Field { field, .. })) = (meaning(left), meaning(right))
                {
                    self.indexes.push((entity, field));
                }
            }
            _ => {}
        }
    }
}

/// The operands of a chain of one operator, left to right.
fn chain_of<'e>(expr: &'e Expr, wanted: &BinaryOperator) -> Vec<&'e Expr> {
    let mut parts = Vec::new();
    let mut rest = vec![expr];
    while let Some(next) = rest.pop() {
        match next {
            Expr::BinaryOp { left, op, right } if op == wanted => {
                rest.push(right);
                rest.push(left);
            }
            other => parts.push(other),
        }
    }
    parts
}

fn select(keys: &str, chain: &Chain, condition: &str) -> String {
    format!("select {keys}\n  from {}\n  where {condition}", chain.from)
}

/// Whether a null in the expression makes all of it null, so that a missing related row and a related row with nulls
/// answer alike.
fn is_strict(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryOp { left, op, right } => {
            !matches!(op, BinaryOperator::And | BinaryOperator::Or) && is_strict(left) && is_strict(right)
        }
        Expr::Nested(inner) | Expr::Cast { expr: inner, .. } => is_strict(inner),
        Expr::InList { expr, list, .. } => is_strict(expr) && list.iter().all(is_strict),
        Expr::Like { expr, pattern, .. } | Expr::ILike { expr, pattern, .. } => is_strict(expr) && is_strict(pattern),
        Expr::Between { expr, low, high, .. } => is_strict(expr) && is_strict(low) && is_strict(high),
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) => true,
        _ => false,
    }
}
