//! Literals that their places want as values of a type.

use crate::convert::Kind;
use crate::scope::Ty;
use crate::text::Part;
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};
use specc_expr::sqlparser::ast::{Expr, ValueWithSpan};

impl Walk<'_> {
    /// Reads `expr` as a value of this type, where it is a literal.
    pub(crate) fn wanted(&mut self, part: &Part<'_>, expr: &Expr, ty: &Ty) {
        match expr {
            Expr::Value(value) => {
                let own = ty.as_ref().filter(|ty| ty.schema.is_empty() && ty.dims == 0);
                self.literal_of_type(part, value, own.map_or("", |ty| &ty.name), ty);
            }
            Expr::Nested(inner) => self.wanted(part, inner, ty),
            // Without a cast an array of literals is one of texts, and is not read as another.
            Expr::Array(_) if !matches!(ty.as_ref().and_then(|ty| self.kind(ty)), Some((Kind::Own(_), _))) => {
                self.wanted_elements(part, expr, ty);
            }
            _ => {}
        }
    }

    /// Reads the elements of an array that is cast to this type.
    pub(crate) fn wanted_elements(&mut self, part: &Part<'_>, expr: &Expr, ty: &Ty) {
        let Expr::Array(array) = expr else { return self.wanted(part, expr, ty) };
        let element = ty.clone().filter(|ty| ty.dims > 0).map(|ty| DataType { dims: 0, args: Vec::new(), ..ty });
        for item in &array.elem {
            // An array has one type, however deep its rows are.
            let ty = if matches!(item, Expr::Array(_)) { ty } else { &element };
            self.wanted_elements(part, item, ty);
        }
    }

    /// A literal of an enum is one of its labels, and one of an array of enums is made of them; one of another type is read
    /// as Postgres reads it.
    pub(crate) fn literal(&mut self, part: &Part<'_>, value: &ValueWithSpan, ty: &Ty) {
        let Some(ty) = ty.as_ref() else { return };
        let Some((text, (start, end))) = self.string(part, value) else { return };
        if let Some((Kind::Own(name), array)) = self.kind(ty) {
            if let Err(help) = specc_facts::read_literal(&text, name, array) {
                let shown: String = text.chars().take(40).collect();
                let message = format!("`'{shown}'` cannot be read as `{ty}`");
                self.report((start - 1, end + 1), Problem::Types, message, Some(help));
            } else if matches!(name, "timestamptz" | "timetz") && !array {
                self.zone_within(&text, start);
            }
            return;
        }
        let Some(labels) = self.env.labels(&ty.schema, &ty.name) else { return };
        if ty.dims == 0 {
            return self.label(ty, &labels, text, (start - 1, end + 1));
        }
        let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else { return };
        // Quotes, escapes and rows in rows are left to Postgres.
        if inner.trim().is_empty() || inner.contains(['"', '\\', '{', '}', '\'']) {
            return;
        }
        let mut at = start + 1;
        for element in inner.split(',') {
            let label = element.trim();
            let from = at + (element.len() - element.trim_start().len());
            // A label of the enum is no reference here: one is printed as a literal of its own.
            let is_known = label.eq_ignore_ascii_case("null") || labels.iter().any(|known| known == label);
            if !label.is_empty() && !is_known {
                self.label(ty, &labels, label.into(), (from, from + label.len()));
            }
            at += element.len() + 1;
        }
    }

    /// A text that has to be one of these labels.
    pub(crate) fn label(&mut self, ty: &DataType, labels: &[SmolStr], text: SmolStr, place: (usize, usize)) {
        if labels.contains(&text) {
            let name = Qualified::new(ty.schema.clone(), ty.name.clone());
            self.refer(place, Target::Label(name, text));
        } else if !self.made.contains(&ty.name) {
            let help = match specc_diag::nearest(&text, labels.iter().map(SmolStr::as_str)) {
                Some(near) => format!("did you mean `'{near}'`?"),
                None => {
                    let shown: Vec<String> = labels.iter().take(8).map(|label| format!("`{label}`")).collect();
                    format!("its labels are {}", shown.join(", "))
                }
            };
            let message = format!("`{}` has no label `{text}`", ty.name);
            self.report(place, Problem::UnknownLabel, message, Some(help));
        }
    }
}
