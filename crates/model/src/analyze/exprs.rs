//! Raw texts to typed expressions; texts without names are read once for the whole project.

use super::typeref::{plain, unknown};
use crate::scope::Scope;
use crate::types::*;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span};
use specc_syntax::ast::RawExpr;
use std::sync::Arc;

/// What an expression is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Want<'t> {
    /// Any value.
    Any,
    /// A condition.
    Condition,
    /// A value for a column of this type.
    Default(&'t Type),
}

/// The one place that parses and types expressions.
#[derive(Debug)]
pub(crate) struct Exprs<'m> {
    pub model: &'m Model,
    shared: FxHashMap<(SmolStr, Type), ExprRef>,
}

impl<'m> Exprs<'m> {
    pub(crate) fn new(model: &'m Model) -> Self {
        Self { model, shared: FxHashMap::default() }
    }

    /// Reads a default that names nothing of the spec, for all columns that have it.
    pub(crate) fn share(&mut self, raw: &RawExpr, ty: &Type) {
        let key = (raw.text.clone(), ty.clone());
        if self.shared.contains_key(&key) || !is_nameless(&raw.text) {
            return;
        }
        let mut out = Vec::new();
        let found = self.read(raw, &Scope::default(), Want::Default(ty), &mut out);
        // one with findings is read again in each place, to be reported there
        if let (Some(expr), true) = (found, out.is_empty()) {
            self.shared.insert(key, expr);
        }
    }

    /// The expression, or findings.
    pub(crate) fn get(
        &self,
        raw: &RawExpr,
        scope: &Scope,
        want: Want<'_>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<ExprRef> {
        if let Want::Default(ty) = want
            && !self.shared.is_empty()
            && let Some(found) = self.shared.get(&(raw.text.clone(), ty.clone()))
        {
            return Some(found.clone());
        }
        self.read(raw, scope, want, out)
    }

    fn read(&self, raw: &RawExpr, scope: &Scope, want: Want<'_>, out: &mut Vec<Diagnostic>) -> Option<ExprRef> {
        let ast = match specc_expr::parse_expr(&raw.text, raw.at.0) {
            Ok(ast) => ast,
            Err(found) => {
                out.push(found);
                return None;
            }
        };
        let ty = self.check(&ast, scope, want, raw.at.0, out);
        Some(Arc::new(Expr { ast, ty, text: raw.text.clone(), span: raw.at.0 }))
    }

    fn check(
        &self,
        _ast: &sqlparser::ast::Expr,
        _scope: &Scope,
        want: Want<'_>,
        _span: Span,
        _out: &mut Vec<Diagnostic>,
    ) -> Type {
        match want {
            Want::Any => unknown(),
            Want::Condition => plain("boolean"),
            Want::Default(ty) => ty.clone(),
        }
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

impl Exprs<'_> {
    /// The `when` of a trigger: a condition over `old` and `new`.
    pub(crate) fn trigger_condition(
        &self,
        raw: &RawExpr,
        entity: EntityId,
        trigger: &specc_syntax::ast::TriggerDecl,
        out: &mut Vec<Diagnostic>,
    ) -> Option<ExprRef> {
        let scope = Scope { rows: vec![("new".into(), entity), ("old".into(), entity)] };
        let found = self.get(raw, &scope, Want::Condition, out)?;
        let inserts = trigger.events.iter().any(|e| e.event.text == "insert");
        let deletes = trigger.events.iter().any(|e| e.event.text == "delete");
        let mut bad = None;
        let _ = sqlparser::ast::visit_expressions(&found.ast, |e: &sqlparser::ast::Expr| {
            if let sqlparser::ast::Expr::CompoundIdentifier(names) = e {
                match &*names[0].value {
                    "old" if inserts => bad = Some(("old", "insert")),
                    "new" if deletes => bad = Some(("new", "delete")),
                    _ => {}
                }
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
        let row_is_there = if trigger.per_row { None } else { Some(()) };
        if let Some((row, event)) = bad {
            let message = format!("an {event} has no `{row}` row").replace("an delete", "a delete");
            let help = format!("write a trigger of its own for `{event}`, without `{row}` in its condition");
            out.push(Diagnostic::new(specc_diag::codes::BAD_TRIGGER, raw.at.0, message).help(help));
        } else if row_is_there.is_some() && raw.text.contains('.') {
            let message = "a statement has neither an old nor a new row".to_owned();
            let found = Diagnostic::new(specc_diag::codes::BAD_TRIGGER, raw.at.0, message);
            out.push(found.help("write `for each row`, or remove the condition"));
        }
        Some(found)
    }
}

impl Exprs<'_> {
    /// A domain's check, over `value`.
    pub(crate) fn domain_check(&self, raw: &RawExpr, _domain: &Domain, out: &mut Vec<Diagnostic>) -> Option<ExprRef> {
        match specc_expr::parse_expr(&raw.text, raw.at.0) {
            Ok(ast) => Some(Arc::new(Expr { ast, ty: plain("boolean"), text: raw.text.clone(), span: raw.at.0 })),
            Err(found) => {
                out.push(found);
                None
            }
        }
    }
}

impl Exprs<'_> {
    /// A value of a seed row; what does not fit is a seed's finding.
    pub(crate) fn seed_value(
        &self,
        raw: &RawExpr,
        scope: &Scope,
        want: Want<'_>,
        out: &mut Vec<Diagnostic>,
    ) -> Option<ExprRef> {
        let before = out.len();
        let found = self.get(raw, scope, want, out);
        for finding in &mut out[before..] {
            if matches!(finding.code, specc_diag::codes::DEFAULT_MISMATCH | specc_diag::codes::TYPE_MISMATCH) {
                finding.code = specc_diag::codes::SEED_VALUE;
            }
        }
        found
    }
}
