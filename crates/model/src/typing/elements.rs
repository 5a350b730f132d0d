//! Elements of arrays and fields of composite types: `tags[1]`, `(address).city`.

use super::expr::Checker;
use super::kinds::{Key, Ty, key};
use super::names::folded;
use crate::types::*;
use specc_diag::{codes, nearest};
use sqlparser::ast::{AccessExpr, Expr as Ast, Ident, Subscript};

impl Checker<'_> {
    pub(super) fn access(&mut self, root: &Ast, chain: &[AccessExpr]) -> Ty {
        let mut ty = self.expr(root);
        for access in chain {
            ty = match access {
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    self.expr(index);
                    self.subscript(root, &ty);
                    self.element(&ty)
                }
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride }) => {
                    for bound in [lower_bound, upper_bound, stride].into_iter().flatten() {
                        self.expr(bound);
                    }
                    self.subscript(root, &ty);
                    ty
                }
                AccessExpr::Dot(Ast::Identifier(field)) => self.field_of(root, &ty, field),
                AccessExpr::Dot(_) => Ty::Opaque,
            };
        }
        ty
    }

    /// Only arrays have elements.
    fn subscript(&mut self, root: &Ast, ty: &Ty) {
        let Ty::Known(found) = ty else { return };
        let k = key(self.model, found);
        let plain = match k {
            Key::Table(s) => {
                !s.array
                    && !matches!(k.category(), b'A')
                    && !specc_facts::type_info(s.name).is_some_and(|info| info.subscripts)
            }
            Key::Enum(_, array) => !array,
            _ => false,
        };
        if plain {
            let message = format!("`{}` is `{}`, which has no elements", self.written(root), self.describe(found));
            let json = matches!(k, Key::Table(s) if s.name == "json");
            self.report(codes::TYPE_MISMATCH, root, message, json.then(|| "write `->` or `->>`".to_owned()));
        }
    }

    /// What `ty[1]` is.
    pub(crate) fn element(&self, ty: &Ty) -> Ty {
        let Ty::Known(ty) = ty else { return Ty::Opaque };
        if ty.dims > 1 {
            // a part of it may be an element or an array
            return Ty::Opaque;
        }
        match key(self.model, ty) {
            k if ty.dims == 1 && k.is_array() => Ty::Known(Type { dims: 0, ..ty.clone() }),
            Key::Table(s) if s.name == "jsonb" => Ty::builtin("jsonb"),
            _ => Ty::Opaque,
        }
    }

    /// `(address).city`
    fn field_of(&mut self, root: &Ast, ty: &Ty, field: &Ident) -> Ty {
        let Ty::Known(found) = ty else { return Ty::Opaque };
        let name = folded(field);
        match (&found.base, key(self.model, found)) {
            (Base::Composite(id), _) if found.dims == 0 => {
                let composite = &self.model.composites[id.0 as usize];
                if let Some((_, ty, _)) = composite.fields.iter().find(|(other, ..)| *other == name) {
                    return Ty::of(ty);
                }
                let message = format!("unknown field `{name}` of `{}`", composite.name.name);
                let meant = nearest(&name, composite.fields.iter().map(|(other, ..)| other.as_str()));
                let help = meant.map(|meant| format!("did you mean `{meant}`?"));
                self.report(codes::UNKNOWN_FIELD, root, message, help);
            }
            (Base::Builtin(_) | Base::Enum(_), Key::Table(_) | Key::Enum(..)) => {
                let message = format!("`{}` is `{}`, which has no fields", self.written(root), self.describe(found));
                self.report(codes::TYPE_MISMATCH, root, message, None);
            }
            _ => {}
        }
        Ty::Opaque
    }
}
