//! Raw texts to typed expressions; defaults without names are read once for the whole project.

use super::bodies;
use super::project::Project;
use crate::formula::{Node, Row};
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place, Typing};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, codes};
use specc_syntax::ast::{RawExpr, TriggerDecl};
use std::sync::Arc;

/// The places of the rows in the scope of a trigger's condition.
pub(super) const NEW: usize = 0;
const OLD: usize = 1;

/// The one place that parses and types expressions.
#[derive(Debug)]
pub(crate) struct Exprs<'m> {
    pub model: &'m Model,
    project: &'m Project<'m>,
    pub typing: Typing<'m>,
    shared: FxHashMap<SmolStr, FxHashMap<Type, ExprRef>>,
    read: FxHashMap<SmolStr, Arc<sqlparser::ast::Expr>>,
}

impl<'m> Exprs<'m> {
    pub(crate) fn new(project: &'m Project<'m>, model: &'m Model) -> Self {
        Self { model, project, typing: Typing::new(model), shared: FxHashMap::default(), read: FxHashMap::default() }
    }

    /// Parses once what is written in several places in the same words, as policies are.
    pub(crate) fn read_once<'r>(&mut self, raws: impl Iterator<Item = &'r RawExpr>) {
        let mut seen: FxHashMap<&SmolStr, bool> = FxHashMap::default();
        for raw in raws {
            let again = *seen.entry(&raw.text).and_modify(|again| *again = true).or_default();
            if again
                && !self.read.contains_key(&raw.text)
                && let Ok(ast) = specc_expr::parse_expr(&raw.text, raw.at.0)
            {
                self.read.insert(raw.text.clone(), Arc::new(ast));
            }
        }
    }

    /// Reads a default that names nothing of the spec, for all columns that have it.
    pub(crate) fn share(&mut self, raw: &RawExpr, ty: &Type) {
        if !is_nameless(&raw.text) || self.shared(&raw.text, ty).is_some() {
            return;
        }
        let mut out = Vec::new();
        let found = self.get(raw, &Scope::default(), Expect::value(Place::Default, ty), &mut out);
        // one with findings is read again in each place, to be reported there
        if let (Some(expr), true) = (found, out.is_empty()) {
            self.shared.entry(raw.text.clone()).or_default().insert(ty.clone(), expr);
        }
    }

    fn shared(&self, text: &SmolStr, ty: &Type) -> Option<&ExprRef> {
        self.shared.get(text)?.get(ty)
    }

    /// A column's default.
    pub(crate) fn default(&self, raw: &RawExpr, ty: &Type, out: &mut Vec<Diagnostic>) -> Option<ExprRef> {
        if let Some(found) = self.shared(&raw.text, ty) {
            return Some(found.clone());
        }
        self.get(raw, &Scope::default(), Expect::value(Place::Default, ty), out)
    }

    /// The expression, or findings.
    pub(crate) fn get(
        &self,
        raw: &RawExpr,
        scope: &Scope,
        expect: Expect<'_>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<ExprRef> {
        self.over(raw, scope, &scope.rows, expect, out)
    }

    /// The same, where SQL that stays as it is can name `rows` only.
    fn over(
        &self,
        raw: &RawExpr,
        scope: &Scope,
        rows: &[(SmolStr, EntityId)],
        expect: Expect<'_>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<ExprRef> {
        let ast = self.parsed(raw, out)?;
        let mut formula = self.typing.check(scope, &ast, &raw.text, raw.at.0, expect, out);
        if let Node::AsIs(sql) = &mut formula.node {
            bodies::as_is(self.project, self.model, rows, expect.place, raw, sql, out);
        }
        Some(Arc::new(Expr { formula, text: raw.text.clone(), span: raw.at.0 }))
    }

    fn parsed(&self, raw: &RawExpr, out: &mut Vec<Diagnostic>) -> Option<Arc<sqlparser::ast::Expr>> {
        let known = self.read.get(&raw.text).cloned().map(Ok);
        let parsed = known.unwrap_or_else(|| specc_expr::parse_expr(&raw.text, raw.at.0).map(Arc::new));
        parsed.map_err(|found| out.push(found)).ok()
    }

    /// The `when` of a trigger: a condition over `old` and `new`.
    pub(crate) fn trigger_condition(
        &self,
        raw: &RawExpr,
        entity: EntityId,
        trigger: &TriggerDecl,
        out: &mut Vec<Diagnostic>,
    ) -> Option<ExprRef> {
        let scope = Scope { rows: vec![("new".into(), entity), ("old".into(), entity)], ..Scope::default() };
        let has = |word: &str| trigger.events.iter().any(|e| e.event.text == word);
        let (inserts, deletes) = (has("insert"), has("delete"));
        let there = |at: &usize| match *at {
            _ if !trigger.per_row => false,
            OLD => !inserts,
            _ => !deletes,
        };
        let rows: Vec<_> = (0..scope.rows.len()).filter(there).map(|at| scope.rows[at].clone()).collect();
        let found = self.over(raw, &scope, &rows, Expect::condition(Place::TriggerWhen), out)?;
        let mut bad = None;
        let mut rows = false;
        found.formula.visit(|part| {
            let row = match &part.node {
                Node::Column(row, _) | Node::Path(row, ..) | Node::Whole(row, _) => row,
                _ => return,
            };
            rows |= matches!(row, Row::Scope(_));
            match row {
                Row::Scope(OLD) if inserts => bad = Some(("an insert has no `old` row", "insert", "old")),
                Row::Scope(NEW) if deletes => bad = Some(("a delete has no `new` row", "delete", "new")),
                _ => {}
            }
        });
        if !trigger.per_row && rows {
            let message = "a statement has neither an old nor a new row";
            let help = "write `for each row`, or remove the condition";
            out.push(Diagnostic::new(codes::BAD_TRIGGER, raw.at.0, message).help(help));
        } else if let Some((message, event, row)) = bad {
            let help = format!("write a trigger of its own for `{event}`, without `{row}` in its condition");
            out.push(Diagnostic::new(codes::BAD_TRIGGER, raw.at.0, message).help(help));
        }
        Some(found)
    }

    /// A value of a seed row; what does not fit is a seed's finding.
    pub(crate) fn seed_value(&self, raw: &RawExpr, ty: &Type, out: &mut Vec<Diagnostic>) -> Option<ExprRef> {
        let before = out.len();
        let found = self.get(raw, &Scope::default(), Expect::value(Place::Seed, ty), out);
        for finding in &mut out[before..] {
            if matches!(finding.code, codes::DEFAULT_MISMATCH | codes::TYPE_MISMATCH) {
                finding.code = codes::SEED_VALUE;
            }
        }
        found
    }
}

/// Literals and calls without arguments: `'draft'`, `0`, `now()`, `true`, `gen_random_uuid()`.
fn is_nameless(text: &str) -> bool {
    let text = text.trim();
    if text.len() > 64 {
        return false;
    }
    if let Some(inner) = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')) {
        return !inner.contains('\'');
    }
    if let Some(name) = text.strip_suffix("()") {
        return name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    }
    text.parse::<f64>().is_ok() || matches!(text, "true" | "false")
}
