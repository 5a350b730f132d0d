//! Names with more than one meaning: what is said where a reader could take one for the other.

use super::expr::Checker;
use super::kinds::Ty;
use super::names::Found;
use super::place::Place;
use crate::formula::{Meaning, Row};
use crate::scope::{Resolved, is_word};
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_expr::{ident_span, idents_span};
use sqlparser::ast::{Expr as Ast, Ident, ObjectName};

impl Checker<'_> {
    /// Says where a column has the name of the viewer or of a predicate, in a condition in which that one could be meant.
    pub(super) fn two_meanings(&mut self, ast: &Ast, idents: &[Ident]) {
        let [ident] = idents else { return };
        if ident.quote_style.is_some() {
            return;
        }
        let name = &ident.value;
        let is_rule = self.is_rule();
        let other = match self.model.index.predicates.contains_key(name.as_str()) {
            _ if name == "viewer" && self.place != Place::Query => "the one who asks",
            true if is_rule => "a predicate",
            _ => return,
        };
        let message = format!("`{name}` is a column here, and {other} elsewhere");
        let help = format!("write `\"{name}\"` in quotes for the column, or give one of the two another name");
        self.report(codes::AMBIGUOUS, ast, message, Some(help));
    }

    /// A word that Postgres knows without parentheses (`user`, `current_date`), where the spec means something by it: a
    /// parameter, a row, a relation. Says where a column has that name.
    pub(crate) fn bare_word(&mut self, ast: &Ast, word: &Ident) -> Option<Ty> {
        if self.place == Place::Query {
            return None;
        }
        let idents = std::slice::from_ref(word);
        let name = word.value.as_str();
        match self.find(idents, &[name])? {
            Found::Spec(Resolved::Row(_), _, Some(Row::Query(..))) | Found::Ty(Ty::Opaque) => None,
            Found::Spec(Resolved::Field { .. }, ..) | Found::Ty(_) | Found::Given(..) => {
                let message = format!("`{name}` is a column here, and a word of Postgres's own elsewhere");
                let help = match name {
                    "user" => "write `\"user\"` in quotes for the column, or `current_user` for the role".to_owned(),
                    name => format!("write `\"{name}\"` in quotes for the column, or give it another name"),
                };
                self.report(codes::AMBIGUOUS, ast, message, Some(help));
                Some(Ty::Opaque)
            }
            Found::Spec(resolved, scope, row) => {
                let ty = self.meaning(ast, idents, &resolved, &scope);
                self.meanings.name(word, Meaning::Spec(resolved, row));
                Some(ty)
            }
        }
    }

    /// Whether the spec means something by a word.
    pub(crate) fn is_named(&mut self, word: &Ident) -> bool {
        self.find(std::slice::from_ref(word), &[word.value.as_str()]).is_some()
    }

    /// Whether what stands here decides about rows.
    pub(super) fn is_rule(&self) -> bool {
        matches!(self.place, Place::Policy | Place::Predicate | Place::Filter | Place::Kept)
    }

    /// Says where a table of a query has the name of a row that is passed to the predicate, or a word of the spec.
    pub(crate) fn hides_parameter(&mut self, called: &SmolStr, table: &Ident) {
        let word = is_word(called) && self.is_rule();
        if !word && !self.scope.rows.iter().any(|(parameter, _)| parameter == called) {
            return;
        }
        let message = match word {
            true => format!("`{called}` is a word of the spec here, and a table of the query, which hides it"),
            false => format!("`{called}` is a parameter here, and a table of the query, which hides it"),
        };
        let help = format!("give it another name in the query: `from {} as other`", table.value);
        let span = ident_span(table, self.text, self.at);
        self.out.push(Diagnostic::new(codes::AMBIGUOUS, span, message).help(help));
    }

    /// Says that `this` is neither of the two rows of a trigger.
    pub(super) fn neither_of_two(&mut self, idents: &[Ident]) {
        let two = self.place == Place::TriggerWhen && self.scope.rows.len() > 1;
        if two && idents[0].value == "this" && idents[0].quote_style.is_none() {
            let span = ident_span(&idents[0], self.text, self.at);
            let message = "`this` could be the `new` or the `old` row of the trigger";
            self.out.push(Diagnostic::new(codes::AMBIGUOUS, span, message).help("write `new` or `old`"));
        }
    }

    /// `this.*`
    pub(super) fn wildcard(&mut self, name: &ObjectName) {
        let idents: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        let parts: Vec<&str> = idents.iter().map(|ident| ident.value.as_str()).collect();
        if parts.is_empty() {
            return;
        }
        let span = idents_span(&idents, self.text, self.at);
        match self.find(&idents, &parts) {
            Some(Found::Spec(Resolved::Row(at), scope, row)) if !matches!(row, Some(Row::Query(..))) => {
                self.whole_row(span, &idents, &scope.rows[at]);
            }
            Some(Found::Spec(Resolved::Path { steps, field: None, .. }, ..)) => {
                if let Some(step) = steps.last() {
                    self.whole_row(span, &idents, &(SmolStr::default(), self.model.step_target(*step)));
                }
            }
            _ => {}
        }
    }

    /// A row is no value: only the rows of a query and of a trigger are there as a whole.
    pub(super) fn whole_row(&mut self, span: Span, idents: &[Ident], row: &(SmolStr, EntityId)) {
        if self.argument || self.row_argument || self.place == Place::TriggerWhen {
            return;
        }
        let written: Vec<&str> = idents.iter().map(|ident| ident.value.as_str()).collect();
        let written = written.join(".");
        let fields = &self.model.entity(row.1).fields;
        let field = fields.iter().find(|f| f.name != "id").or(fields.first()).map_or("id", |f| f.name.as_str());
        let message = format!("`{written}` is a row of `{}`, not a value", self.entity_name(row.1));
        let help = format!("name the columns that are meant: `{written}.{field}`");
        self.out.push(Diagnostic::new(codes::UNKNOWN_FIELD, span, message).help(help));
    }
}
