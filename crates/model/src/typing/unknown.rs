//! What is said where there is no such name, and what may have been meant.

use super::expr::{Checker, Source};
use super::names::{ambiguous_inverse, shown};
use super::place::Place;
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_expr::{ident_span, idents_span};
use sqlparser::ast::Ident;

impl Checker<'_> {
    /// Says that nothing has this name.
    pub(super) fn unknown(&mut self, idents: &[Ident], parts: &[&str]) {
        if parts[0] == "viewer" && self.model.viewer.is_none() {
            self.viewer(ident_span(&idents[0], self.text, self.at));
            return;
        }
        if parts.len() > 1 {
            return self.unknown_compound(idents, parts, false);
        }
        let span = ident_span(&idents[0], self.text, self.at);
        let name = parts[0];
        if !self.place.columns() || self.nothing_in_scope() {
            let message = format!("`{name}` is a name, and nothing here has it");
            let found = Diagnostic::new(codes::NOT_ALLOWED_HERE, span, message);
            self.out.push(found.help(self.name_help(name).unwrap_or_else(|| format!("write `'{name}'` for the text"))));
            return;
        }
        let entities = self.entities_in_scope();
        let columns: Vec<SmolStr> = self.columns_in_scope();
        let message = match &entities[..] {
            [only] if self.levels.len() <= 1 => format!("unknown field `{name}` of `{}`", self.entity_name(*only)),
            _ => format!("unknown field `{name}`"),
        };
        let near = nearest(name, columns.iter().map(SmolStr::as_str)).map(|n| format!("did you mean `{n}`?"));
        let quoted = idents[0].quote_style.is_some();
        let help = if quoted && near.is_none() { Some("a text stands in `'…'`".to_owned()) } else { None };
        let help = near.or(help).or_else(|| self.name_help(name)).or_else(|| self.fields_help(&entities));
        self.out.push(Diagnostic::new(codes::UNKNOWN_FIELD, span, message).maybe_help(help));
    }

    /// A name that is no column may be a label, a function or a predicate.
    fn name_help(&self, name: &str) -> Option<String> {
        if self.model.enums.iter().any(|e| e.labels.iter().any(|l| l.name == name)) {
            return Some(format!("write `'{name}'` for the label"));
        }
        let folded = name.to_ascii_lowercase();
        let bare = specc_facts::functions(&folded).iter().any(|v| v.args.is_empty());
        (bare || self.typing.names().functions.contains_key(&*folded))
            .then(|| format!("write `{folded}()` for the function"))
    }

    fn fields_help(&self, entities: &[EntityId]) -> Option<String> {
        let [only] = entities else { return None };
        let fields: Vec<String> =
            self.model.entity(*only).fields.iter().take(8).map(|f| format!("`{}`", f.name)).collect();
        let more = if self.model.entity(*only).fields.len() > 8 { ", …" } else { "" };
        (!fields.is_empty()).then(|| format!("its fields are {}{more}", fields.join(", ")))
    }

    /// Whether several relations lead back as `name`, none of which has that name then; says so.
    pub(crate) fn ambiguous(&mut self, entity: EntityId, name: &str, span: Span) -> bool {
        let Some(several) = self.model.index.ambiguous.get(&(entity, name.into())) else { return false };
        self.out.push(ambiguous_inverse(self.model, several, name, span));
        true
    }

    /// Says which part of a path leads nowhere; `rows`: it should lead to rows, not to a field.
    pub(crate) fn unknown_compound(&mut self, idents: &[Ident], parts: &[&str], rows: bool) {
        // The longest start that leads to a row.
        for cut in (1..parts.len()).rev() {
            let Some(entity) = self.row_of(&idents[..cut], &parts[..cut]) else { continue };
            let name = parts[cut];
            let last = cut + 1 == parts.len() && !rows;
            if self.ambiguous(entity, name, ident_span(&idents[cut], self.text, self.at)) {
                return;
            }
            if parts[0] == "viewer"
                && let Some((relation, back)) = self.model.step(entity, name)
            {
                let message = format!("a path over `{name}` cannot start from `viewer`");
                let (from, column) = (self.model.entity(relation.from), relation.fields.first());
                let column = column.map_or("…", |f| &*from.fields[*f].name);
                let help = match back {
                    true => format!("write `viewer in (select {column} from {} where …)`", from.name.name),
                    false => format!("compare with `viewer.{column}`, which the row has itself"),
                };
                let span = idents_span(&idents[..=cut], self.text, self.at);
                self.out.push(Diagnostic::new(codes::UNKNOWN_RELATION, span, message).help(help));
                return;
            }
            let e = self.model.entity(entity);
            let relations = self.relation_names(entity);
            let fields = e.fields.iter().map(|f| f.name.as_str());
            let near = if last {
                nearest(name, fields.clone().chain(relations.iter().map(SmolStr::as_str)))
            } else {
                nearest(name, relations.iter().map(SmolStr::as_str))
            };
            let span = ident_span(&idents[cut], self.text, self.at);
            let (code, message) = if last {
                (codes::UNKNOWN_FIELD, format!("unknown field `{name}` of `{}`", e.name.name))
            } else {
                (codes::UNKNOWN_RELATION, format!("unknown relation `{name}` of `{}`", e.name.name))
            };
            let help = match near {
                Some(near) => Some(format!("did you mean `{near}`?")),
                None if !last && fields.clone().any(|f| f == name) => {
                    Some(format!("`{name}` is a column, and nothing comes after it"))
                }
                None if last => self.fields_help(&[entity]),
                None if relations.is_empty() => Some(format!("`{}` refers to nothing, and nothing to it", e.name.name)),
                None => Some(format!("its relations are `{}`", relations.join("`, `"))),
            };
            self.out.push(Diagnostic::new(code, span, message).maybe_help(help));
            return;
        }
        let span = ident_span(&idents[0], self.text, self.at);
        for entity in self.entities_in_scope() {
            if self.ambiguous(entity, parts[0], span) {
                return;
            }
        }
        let mut names: Vec<SmolStr> = Vec::new();
        for level in &self.levels {
            names.extend(level.from.iter().map(|f| SmolStr::new(shown(f))).filter(|n| !n.is_empty()));
        }
        for entity in self.entities_in_scope() {
            names.extend(self.relation_names(entity));
        }
        names.extend(self.scope.rows.iter().map(|(a, _)| a.clone()).filter(|a| !a.is_empty()));
        names.extend(["viewer", "claims"].map(SmolStr::new));
        let near = nearest(parts[0], names.iter().map(SmolStr::as_str)).map(|n| format!("did you mean `{n}`?"));
        let help = near.or_else(|| {
            let field = self.columns_in_scope().iter().any(|c| c == parts[0]);
            field.then(|| format!("`{}` is a column; a relation stands before a dot", parts[0]))
        });
        let message = format!("nothing here is called `{}`", parts[0]);
        self.out.push(Diagnostic::new(codes::UNKNOWN_RELATION, span, message).maybe_help(help));
    }

    fn nothing_in_scope(&self) -> bool {
        self.scope.rows.is_empty() && self.levels.iter().all(|l| l.from.is_empty()) && self.place != Place::DomainCheck
    }

    fn entities_in_scope(&self) -> Vec<EntityId> {
        let mut found: Vec<EntityId> = Vec::new();
        for level in self.levels.iter().rev() {
            found.extend(
                level.from.iter().filter_map(|f| if let Source::Entity(id) = f.source { Some(id) } else { None }),
            );
        }
        found.extend(self.scope.rows.iter().map(|(_, id)| *id));
        let mut seen = Vec::new();
        found.retain(|id| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        found
    }

    fn columns_in_scope(&self) -> Vec<SmolStr> {
        let entities = self.entities_in_scope();
        let mut names: Vec<SmolStr> =
            entities.iter().flat_map(|e| self.model.entity(*e).fields.iter().map(|f| f.name.clone())).collect();
        for from in self.levels.iter().flat_map(|l| &l.from) {
            if let Source::Columns(columns, _) = &from.source {
                names.extend(columns.iter().map(|(n, _)| n.clone()));
            }
        }
        for entity in entities {
            names.extend(self.relation_names(entity));
        }
        names.extend(self.model.predicates.iter().map(|p| p.name.clone()));
        names.push("viewer".into());
        names
    }
}
