//! Calls over rows: `exists path (condition)`, and predicates of a row.

use super::calls::count;
use super::expr::Checker;
use super::kinds::Ty;
use crate::scope::Resolved;
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_expr::{bare_word, ident_span, idents_span};
use sqlparser::ast::{Expr as Ast, Ident};

impl Checker<'_> {
    /// `exists path (condition)`
    pub(super) fn exists_path(&mut self, path: &[Ident], condition: &Ast) -> Ty {
        let span = idents_span(path, self.text, self.at);
        self.no_subquery(span, "`exists`");
        let parts: Vec<&str> = path.iter().map(|i| i.value.as_str()).collect();
        if let Some(entity) = self.row_meant(path, &parts) {
            self.exists_condition(entity, condition);
            return Ty::builtin("boolean");
        }
        let shown = parts.join(".");
        let found = self.find(path, &parts);
        let row = self.scope.rows.first().map(|r| r.1);
        if found.is_none() && row.is_some_and(|row| self.ambiguous(row, parts[0], span)) {
            return Ty::builtin("boolean");
        }
        if found.is_none() && parts.len() > 1 && self.row_of(&path[..1], &parts[..1]).is_some() {
            self.unknown_compound(path, &parts, true);
            return Ty::builtin("boolean");
        }
        let is_field = matches!(
            found,
            Some(super::names::Found::Spec(
                Resolved::Field { .. } | Resolved::Path { .. } | Resolved::ViewerField(_),
                ..
            ))
        );
        if found.is_none() || is_field {
            let default = self.model.options.default_schema.clone();
            let named = |name: &str| Qualified { schema: default.clone(), name: name.into() };
            let entity = match &parts[..] {
                [name] => self.model.index.entities.get(&named(name)),
                [schema, name] => {
                    self.model.index.entities.get(&Qualified { schema: (*schema).into(), name: (*name).into() })
                }
                _ => None,
            };
            let relations: Vec<SmolStr> = match self.scope.rows.first() {
                Some((_, id)) => self.relation_names(*id),
                None => Vec::new(),
            };
            let (message, help) = if is_field {
                let help = "`exists` looks for rows; compare a column without it".to_owned();
                (format!("`{shown}` is a column, not a relation"), Some(help))
            } else if entity.is_some() {
                let help = format!("write `exists (select 1 from {shown} where …)`");
                (format!("no relation leads to `{shown}`"), Some(help))
            } else {
                let near = nearest(parts[parts.len() - 1], relations.iter().map(SmolStr::as_str));
                let help = near.map(|n| format!("did you mean `{n}`?"));
                let all = || (!relations.is_empty()).then(|| format!("there are `{}`", relations.join("`, `")));
                (format!("unknown relation `{shown}`"), help.or_else(all))
            };
            self.out.push(Diagnostic::new(codes::UNKNOWN_RELATION, span, message).maybe_help(help));
        }
        Ty::builtin("boolean")
    }

    /// The arguments of a predicate: rows, and values that are assigned to its parameters.
    pub(crate) fn predicate_arguments(&mut self, ast: &Ast, id: PredicateId, args: &[&Ast]) {
        let model = self.model;
        let Predicate { name, params, .. } = &model.predicates[id.0 as usize];
        if args.len() != params.len() {
            let shown = |param: &PredicateParam| match &param.kind {
                ParamKind::Row(entity) => format!("a row of `{}`", self.entity_name(*entity)),
                ParamKind::Value(ty) => format!("a `{}`", self.describe(ty)),
            };
            let list: Vec<String> = params.iter().map(shown).collect();
            let help = match &list[..] {
                [] => format!("write `{name}`, without arguments"),
                list => format!("write `{name}(…)`, with {}", list.join(", then ")),
            };
            let message = format!("`{name}` takes {} and gets {}", count(params.len()), args.len());
            self.report(codes::WRONG_ARGUMENTS, ast, message, Some(help));
            return;
        }
        for (arg, param) in args.iter().zip(params) {
            match &param.kind {
                ParamKind::Row(wanted) => self.row_argument(name, arg, *wanted),
                ParamKind::Value(ty) => self.value_argument(name, param, arg, ty),
            }
        }
    }

    fn value_argument(&mut self, name: &str, param: &PredicateParam, arg: &Ast, wanted: &Type) {
        let outer = std::mem::replace(&mut self.argument, true);
        let found = self.expr(arg);
        self.argument = outer;
        if let Ty::Known(Type { base: Base::Row(entity), dims: 0, .. }) = &found {
            let message = format!(
                "`{}` of `{name}` is a `{}`, and `{}` is a row of `{}`",
                param.name,
                self.describe(wanted),
                self.written(arg),
                self.entity_name(*entity)
            );
            self.report(codes::WRONG_ARGUMENTS, arg, message, Some("name one of its fields".into()));
            return;
        }
        self.assign(arg, &found, wanted);
    }

    /// A value is written out wherever the predicate reads it, so it does not grow on its own.
    pub(super) fn no_predicate_in_argument(&mut self, span: Span) {
        if self.argument {
            let help = "say it beside the call, with `and` or `or`, or compare a field";
            let message = "a value that a predicate takes cannot use a predicate";
            self.out.push(Diagnostic::new(codes::NOT_ALLOWED_HERE, span, message).help(help));
        }
    }

    pub(super) fn row_argument(&mut self, name: &str, arg: &Ast, wanted: EntityId) {
        let idents = match arg {
            Ast::Identifier(i) => std::slice::from_ref(i),
            Ast::CompoundIdentifier(list) => list,
            Ast::Function(call) if bare_word(call).is_some_and(|word| self.is_named(word)) => {
                bare_word(call).map_or(&[][..], std::slice::from_ref)
            }
            _ => {
                let message = format!("`{name}` takes a row of `{}`", self.entity_name(wanted));
                self.report(
                    codes::WRONG_ARGUMENTS,
                    arg,
                    message,
                    Some("name a relation that leads to it, or `this`".into()),
                );
                return;
            }
        };
        let parts: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
        let Some(found) = self.row_meant(idents, &parts) else {
            match self.find(idents, &parts) {
                None => drop(self.expr(arg)),
                Some(super::names::Found::Ty(_) | super::names::Found::Given(..)) => {}
                Some(super::names::Found::Spec(resolved, scope, _)) => {
                    let help = match resolved {
                        Resolved::Field { row, field } => {
                            let entity = self.model.entity(scope.rows[row].1);
                            let relation = entity.fields[field].relation.map(|r| self.model.relation(r).path.clone());
                            relation
                                .map(|p| format!("write `{p}`, the row that `{}` points to", parts[parts.len() - 1]))
                        }
                        _ => None,
                    };
                    let this = self.scope.rows.iter().any(|(alias, id)| alias.is_empty() && *id == wanted);
                    let help = help.or_else(|| this.then(|| format!("write `{name}(this)`")));
                    let message = format!(
                        "`{name}` takes a row of `{}`, and `{}` is a value",
                        self.entity_name(wanted),
                        parts.join(".")
                    );
                    self.report(codes::WRONG_ARGUMENTS, arg, message, help);
                }
            }
            return;
        };
        if found != wanted {
            let message = format!(
                "`{name}` takes a row of `{}`, and `{}` is one of `{}`",
                self.entity_name(wanted),
                parts.join("."),
                self.entity_name(found)
            );
            let near = self
                .relation_names(found)
                .into_iter()
                .find(|n| self.model.step(found, n).is_some_and(|(r, back)| !back && r.to == wanted));
            let help = near.map(|n| match parts[..] {
                ["this"] => format!("follow the relation: `{n}`"),
                _ => format!("follow the relation: `{}.{n}`", parts.join(".")),
            });
            let help = self.unnamed_row(name, wanted).or(help);
            self.report(codes::WRONG_ARGUMENTS, arg, message, help);
            return;
        }
        if let Some(super::names::Found::Spec(Resolved::Path { steps, .. }, ..)) = self.find(idents, &parts) {
            let many = steps.iter().any(|s| s.back && !self.model.relation(s.relation).inverse_one);
            if many {
                let span = ident_span(&idents[idents.len() - 1], self.text, self.at);
                let message = format!("`{}` leads to many rows, and `{name}` takes one", parts.join("."));
                let help = self.unnamed_row(name, wanted).unwrap_or_else(|| {
                    let path = parts.join(".");
                    format!("ask whether it holds for one of them: `exists {path} (…)`, with its condition")
                });
                self.out.push(Diagnostic::new(codes::WRONG_CARDINALITY, span, message).help(help));
            }
        }
    }

    /// What to write where the row that is meant is the one that `exists path (…)` looks at, which has no name.
    fn unnamed_row(&self, name: &str, wanted: EntityId) -> Option<String> {
        let rows = self.levels.last().map(|level| &level.from[..])?;
        let [row] = rows else { return None };
        let is_meant = row.alias.is_empty() && row.table.is_none();
        (is_meant && matches!(row.source, super::expr::Source::Entity(id) if id == wanted)).then(|| {
            let entity = self.entity_name(wanted);
            format!("no name stands for the row of `{entity}` here: write what `{name}` asks of it into the brackets")
        })
    }
}
