//! Names: columns, aliases, relation paths, `viewer`, claims, predicates; and what is said where there is none.

use super::expr::{Checker, From, Level, Source};
use super::kinds::Ty;
use super::place::Place;
use crate::formula::{Meaning, Row};
use crate::past;
use crate::scope::{PathStep, Resolved, Scope, is_word};
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes};
use specc_expr::{ident_span, idents_span};
use sqlparser::ast::{Expr as Ast, Ident};

/// What a name comes to.
pub(crate) enum Found {
    Ty(Ty),
    /// A column of a row of a view.
    Given(Ty, Row, FieldIx),
    /// A path, a row, or one of the words of the spec; the row that it starts from, where that is none of the scope's.
    Spec(Resolved, Scope, Option<Row>),
}

impl Found {
    fn may_be_called(&self, name: &str) -> bool {
        match self {
            Found::Ty(_) | Found::Given(..) => name != "this",
            Found::Spec(resolved, ..) => resolved.may_be_called(name),
        }
    }
}

impl Checker<'_> {
    /// The type of a name.
    pub(crate) fn name(&mut self, ast: &Ast, idents: &[Ident]) -> Ty {
        let parts: Vec<&str> = idents.iter().map(|i| i.value.as_str()).collect();
        match self.find(idents, &parts) {
            Some(Found::Ty(ty)) => {
                self.two_meanings(ast, idents);
                self.meanings.name(&idents[0], Meaning::Sql);
                ty
            }
            Some(Found::Given(ty, row, at)) => {
                self.two_meanings(ast, idents);
                self.meanings.name(&idents[0], Meaning::Given(row, at));
                ty
            }
            Some(Found::Spec(resolved, scope, row)) => {
                if matches!(resolved, Resolved::Field { .. }) {
                    self.two_meanings(ast, idents);
                }
                if let (Resolved::Row(at), None | Some(Row::Scope(_) | Row::Bound(_))) = (&resolved, &row) {
                    self.whole_row(idents_span(idents, self.text, self.at), idents, &scope.rows[*at]);
                }
                let ty = self.meaning(ast, idents, &resolved, &scope);
                self.meanings.name(&idents[0], Meaning::Spec(resolved, row));
                ty
            }
            None => match self.session_value(ast, idents) {
                Some(ty) => ty,
                None => {
                    self.unknown(idents, &parts);
                    Ty::Opaque
                }
            },
        }
    }

    /// Looks from the innermost rows to the outermost.
    pub(crate) fn find(&mut self, idents: &[Ident], parts: &[&str]) -> Option<Found> {
        let quoted = idents[0].quote_style.is_some();
        let special = is_word(parts[0]) && !quoted;
        // a parameter is bound: no column of a row that the body looks at captures it
        if let Some(parameter) = self.scope.parameter(parts) {
            return Some(Found::Spec(parameter, self.scope.clone(), None));
        }
        // Inside a query, the name of the table that the expression is about is its row, before it is a way from a row.
        if parts.len() > 1
            && self.levels.iter().any(|level| level.from.iter().any(|from| !shown(from).is_empty()))
            && !self.levels.iter().flat_map(|level| &level.from).any(|from| shown(from) == parts[0])
            && let Some(found) = self.with_table(parts)
        {
            if special {
                let message = format!("`{}` is a word of the spec here, and the table that it is about", parts[0]);
                let help = format!("write `this.{}` for the column of the row", parts[1]);
                let span = idents_span(idents, self.text, self.at);
                self.out.push(Diagnostic::new(codes::AMBIGUOUS, span, message).help(help));
            }
            return Some(found);
        }
        for at in (0..self.levels.len()).rev() {
            let level = self.levels[at].clone();
            if let Some(found) = self.in_level(&level, idents, parts) {
                return Some(found);
            }
            if !special && level.from.iter().any(|f| matches!(f.source, Source::Opaque)) {
                return Some(Found::Ty(Ty::Opaque));
            }
        }
        let value = matches!(parts, [one] if one.eq_ignore_ascii_case("value")) && self.place == Place::DomainCheck;
        if value {
            return Some(Found::Ty(self.value.as_ref().map_or(Ty::Opaque, Ty::of)));
        }
        self.neither_of_two(idents);
        if let Some(resolved) = self.model.resolve(self.scope, parts, quoted) {
            return Some(Found::Spec(resolved, self.scope.clone(), None));
        }
        if let Some(found) = self.with_table(parts) {
            return Some(found);
        }
        if let Some(found) = self.of_the_past(parts) {
            return Some(found);
        }
        if parts.len() == 1 && !self.scope.rows.is_empty() && specc_facts::SYSTEM_COLUMNS.contains(&parts[0]) {
            return Some(Found::Ty(Ty::Opaque));
        }
        None
    }

    /// A column of the row at hand, with its table before it.
    fn with_table(&self, parts: &[&str]) -> Option<Found> {
        let rows = self.scope.rows.iter().enumerate().filter(|(_, (alias, _))| alias.is_empty());
        let (at, entity, rest) = rows
            .filter_map(|(at, (_, entity))| Some((at, *entity, after_table(&self.model.entity(*entity).name, parts)?)))
            .next()?;
        let scope = Scope::of(entity);
        match rest {
            [] => Some(Found::Spec(Resolved::Row(0), scope, Some(Row::Scope(at)))),
            rest => self.model.follow(0, entity, rest).map(|r| Found::Spec(r, scope, Some(Row::Scope(at)))),
        }
    }

    /// A column that the row at hand had and has no more, with its table before it or not.
    fn of_the_past(&self, parts: &[&str]) -> Option<Found> {
        let gone = self.place.reads_past()?;
        for (_, entity) in self.scope.rows.iter().filter(|(alias, _)| alias.is_empty()) {
            let bare = Some(parts).filter(|parts| parts.len() == 1);
            let rest = after_table(&self.model.entity(*entity).name, parts).or(bare);
            if let Some(found) = rest.and_then(|rest| self.gone_column(*entity, rest)) {
                return Some(found);
            }
        }
        (gone && !is_word(parts[0])).then_some(Found::Ty(Ty::Opaque))
    }

    /// A column that the entity had and has no more.
    fn gone_column(&self, entity: EntityId, parts: &[&str]) -> Option<Found> {
        self.place.reads_past()?;
        let [name] = parts else { return None };
        let gone = past::gone_columns(self.model, entity);
        let (_, ty) = gone.into_iter().find(|(other, _)| other == name)?;
        Some(Found::Ty(ty.map_or(Ty::Opaque, |ty| Ty::of(&ty))))
    }

    fn in_level(&mut self, level: &Level, idents: &[Ident], parts: &[&str]) -> Option<Found> {
        for from in &level.from {
            let rest = if !from.alias.is_empty() && from.alias == folded(&idents[0]) {
                Some(&parts[1..])
            } else {
                from.table.as_ref().and_then(|t| after_table(t, parts))
            };
            if let Some(function) = rest.and_then(|rest| self.function_of(from, rest)) {
                return Some(Found::Ty(function));
            }
            if let Some(rest) = rest {
                return Some(self.within(from, rest).unwrap_or(Found::Ty(Ty::Opaque))).filter(|_| self.has(from, rest));
            }
        }
        let mut found: Vec<(&From, Found)> = Vec::new();
        for from in &level.from {
            let word = idents[0].quote_style.is_none() && is_word(parts[0]);
            if let Some(one) = self.within(from, parts).filter(|found| !word || found.may_be_called(parts[0])) {
                found.push((from, one));
            }
        }
        if let [(a, Found::Spec(Resolved::Field { .. }, ..)), (b, Found::Spec(Resolved::Field { .. }, ..)), ..] =
            &found[..]
            && parts.len() == 1
            && !level.from.iter().any(|f| f.merged)
        {
            let message = format!("`{}` could be a column of `{}` or of `{}`", parts[0], shown(a), shown(b));
            let help = format!("write `{}.{}` or `{}.{}`", shown(a), parts[0], shown(b), parts[0]);
            let span = ident_span(&idents[0], self.text, self.at);
            self.out.push(Diagnostic::new(codes::AMBIGUOUS, span, message).help(help));
        }
        found.into_iter().next().map(|(_, f)| f)
    }

    /// Whether `rest` is surely there, or cannot be known.
    fn has(&self, from: &From, rest: &[&str]) -> bool {
        match &from.source {
            Source::Entity(_) => rest.is_empty() || self.within(from, rest).is_some(),
            Source::Columns(columns, true) => {
                rest.len() != 1 || columns.iter().any(|(n, _)| *n == rest[0] || n.eq_ignore_ascii_case(rest[0]))
            }
            _ => true,
        }
    }

    /// `parts` as a name that starts at the columns of `from`.
    fn within(&self, from: &From, parts: &[&str]) -> Option<Found> {
        match &from.source {
            Source::Entity(id) => {
                let scope = Scope::of(*id);
                if parts.is_empty() {
                    return Some(Found::Spec(Resolved::Row(0), scope, from.row.clone()));
                }
                if parts.len() == 1 && specc_facts::SYSTEM_COLUMNS.contains(&parts[0]) {
                    return Some(Found::Ty(Ty::Opaque));
                }
                // `this` is the row that the whole expression is about, also in here.
                let found = self.model.follow(0, *id, parts).map(|r| Found::Spec(r, scope, from.row.clone()));
                found.or_else(|| self.gone_column(*id, parts))
            }
            Source::Columns(columns, _) => {
                let [name] = parts else { return None };
                let at = columns.iter().position(|(n, _)| n == name || n.eq_ignore_ascii_case(name))?;
                let ty = columns[at].1.clone();
                Some(match &from.row {
                    Some(row @ Row::View(..)) => Found::Given(ty, row.clone(), at),
                    _ => Found::Ty(ty),
                })
            }
            Source::Opaque => None,
        }
    }

    /// The type of what a name means.
    pub(super) fn meaning(&mut self, ast: &Ast, idents: &[Ident], resolved: &Resolved, scope: &Scope) -> Ty {
        let span = idents_span(idents, self.text, self.at);
        match resolved {
            Resolved::Viewer => {
                self.changing(span, "`viewer`");
                self.viewer(span)
            }
            Resolved::ViewerField(field) => {
                self.changing(span, "`viewer`");
                self.no_subquery(span, "a field of the viewer");
                let Some(id) = self.model.viewer else { return Ty::Opaque };
                self.model.entity(id).fields.get(*field).map_or(Ty::Opaque, |f| Ty::of(&self.model.under(&f.ty)))
            }
            Resolved::Claims(_) => {
                self.changing(span, "`claims`");
                Ty::builtin("text")
            }
            Resolved::Field { row, field } => {
                if !self.place.columns() && self.inside == 0 {
                    let message = format!("{} cannot read `{}`, a column", self.place.words(), idents[0].value);
                    let help = "a default is set before the row exists; use a generated column or a trigger";
                    self.out.push(Diagnostic::new(codes::NOT_ALLOWED_HERE, span, message).help(help));
                }
                let entity = scope.rows[*row].1;
                if let Place::Using(at) = self.place
                    && *row + 1 == scope.rows.len()
                {
                    return self.before(entity, *field, *field == at);
                }
                self.model.entity(entity).fields.get(*field).map_or(Ty::Opaque, |f| Ty::of(&f.ty))
            }
            Resolved::Path { row, steps, field } => self.path(idents, span, scope.rows[*row].1, steps, *field),
            Resolved::Row(row) => Ty::Known(Type { base: Base::Row(scope.rows[*row].1), args: Vec::new(), dims: 0 }),
            Resolved::Parameter(at) => {
                let found = self.scope.values.iter().find(|(_, place, _)| place == at);
                found.map_or(Ty::Opaque, |(.., ty)| Ty::of(ty))
            }
            Resolved::Predicate(id) => {
                let predicate = &self.model.predicates[id.0 as usize];
                if !predicate.params.is_empty() {
                    self.predicate_arguments(ast, *id, &[]);
                }
                self.no_predicate_in_argument(span);
                self.no_subquery(span, "a predicate");
                Ty::builtin("boolean")
            }
        }
    }

    /// Says where a name begins with a schema that is not there.
    pub(super) fn no_schema(&mut self, schema: Option<&str>, written: Option<&Ident>) -> bool {
        let (Some(schema), Some(written)) = (schema, written) else { return false };
        if self.model.may_have_schema(schema) {
            return false;
        }
        let span = ident_span(written, self.text, self.at);
        let found = Diagnostic::new(codes::UNKNOWN_SCHEMA, span, format!("there is no schema `{schema}`"));
        self.out.push(found.help(self.model.instead_of_schema(schema)));
        true
    }

    /// The type of a field where its row is read as it was: that of the last state, where it is another one. Of the field that
    /// gets another type nothing is known when it has had it.
    fn before(&self, entity: EntityId, field: FieldIx, changes: bool) -> Ty {
        let entity = self.model.entity(entity);
        let Some(field) = entity.fields.get(field) else { return Ty::Opaque };
        let before = past::column_before(self.model, entity, field).and_then(|c| past::type_of(self.model, &c.ty));
        let differs = |ty: &Type| ty.base != field.ty.base || ty.dims != field.ty.dims;
        let said = changes && past::used(self.model, entity, field);
        match before.filter(|ty| differs(ty) && !said) {
            Some(ty) => Ty::of(&ty),
            None if changes => Ty::Opaque,
            None => Ty::of(&field.ty),
        }
    }

    /// The type of `viewer`: the key of its entity.
    pub(super) fn viewer(&mut self, span: Span) -> Ty {
        let Some(id) = self.model.viewer else {
            let help = "add `viewer -> profiles`, with the entity whose key is the user's id";
            self.out.push(Diagnostic::new(codes::VIEWER_MISSING, span, "nothing says who the viewer is").help(help));
            return Ty::Opaque;
        };
        let entity = self.model.entity(id);
        match entity.key.as_ref().map(|k| &k.fields[..]) {
            Some([field]) => Ty::of(&self.model.under(&entity.fields[*field].ty)),
            _ => Ty::Opaque,
        }
    }

    fn path(
        &mut self,
        idents: &[Ident],
        span: Span,
        start: EntityId,
        steps: &[PathStep],
        field: Option<FieldIx>,
    ) -> Ty {
        let Some(&last) = steps.last() else { return Ty::Opaque };
        let target = self.model.step_target(last);
        let Some(field) = field else {
            return self.bare_path(idents, span, last, target);
        };
        let many = steps.iter().position(|s| s.back && !self.model.relation(s.relation).inverse_one);
        if let Some(many) = many {
            // The steps are the identifiers before the field, after what named the row.
            let at = idents.len().saturating_sub(1 + steps.len()) + many;
            let ident = &idents[at.min(idents.len() - 1)];
            let from = if many == 0 { start } else { self.model.step_target(steps[many - 1]) };
            let message = format!(
                "`{}` leads to many rows of `{}`",
                ident.value,
                self.entity_name(self.model.step_target(steps[many]))
            );
            let condition = idents.last().map_or("…", |i| &*i.value);
            let help = format!("ask whether one of them fits: `exists {} ({condition} …)`", ident.value);
            let found = Diagnostic::new(codes::WRONG_CARDINALITY, ident_span(ident, self.text, self.at), message);
            self.out.push(found.label(format!("a row of `{}` can have several", self.entity_name(from))).help(help));
            return Ty::Opaque;
        }
        self.no_subquery(span, "a path to another entity");
        self.model.entity(target).fields.get(field).map_or(Ty::Opaque, |f| Ty::of(&f.ty))
    }

    /// A relation where a value is wanted.
    fn bare_path(&mut self, idents: &[Ident], span: Span, last: PathStep, target: EntityId) -> Ty {
        let relation = self.model.relation(last.relation);
        let written: Vec<&str> = idents.iter().map(|i| &*i.value).collect();
        let written = written.join(".");
        let message = format!("`{written}` is a relation to `{}`, not a field", self.entity_name(target));
        let help = if last.back {
            format!("ask whether a row is there: `exists {written} (…)`")
        } else {
            let own =
                relation.fields.first().map(|f| &*self.model.entity(relation.from).fields[*f].name).unwrap_or("…");
            let head = written.rsplit_once('.').map_or(String::new(), |(h, _)| format!("{h}."));
            format!("write `{head}{own}`, or a field of it as in `{written}.{}`", self.some_field(target))
        };
        self.out.push(Diagnostic::new(codes::UNKNOWN_FIELD, span, message).help(help));
        Ty::Opaque
    }

    fn some_field(&self, entity: EntityId) -> &str {
        let fields = &self.model.entity(entity).fields;
        let other = fields.iter().find(|f| f.name != "id");
        other.or(fields.first()).map_or("id", |f| &*f.name)
    }

    pub(crate) fn entity_name(&self, id: EntityId) -> &str {
        &self.model.entity(id).name.name
    }

    /// What only a subquery can answer, where none can stand.
    pub(crate) fn no_subquery(&mut self, span: Span, what: &str) {
        if self.inside == 0 && !self.place.subqueries() {
            let message = format!("{what} cannot stand in {}", self.place.words());
            self.out.push(Diagnostic::new(codes::NOT_ALLOWED_HERE, span, message).help(self.place.instead()));
        }
    }

    fn changing(&mut self, span: Span, what: &str) {
        if self.place.immutable() || matches!(self.place, Place::Check | Place::DomainCheck | Place::Using(_)) {
            let message =
                format!("{what} changes from one request to the next, so it cannot stand in {}", self.place.words());
            let help = "compare with it in a policy or a view, which are read anew each time";
            self.out.push(Diagnostic::new(codes::NOT_IMMUTABLE, span, message).help(help));
        }
    }

    /// The same, and keeps what the name means.
    pub(crate) fn row_meant(&mut self, idents: &[Ident], parts: &[&str]) -> Option<EntityId> {
        let entity = self.row_of(idents, parts)?;
        if let Some(Found::Spec(resolved, _, row)) = self.find(idents, parts) {
            self.meanings.name(&idents[0], Meaning::Spec(resolved, row));
        }
        Some(entity)
    }

    /// The entity of the row that a name leads to.
    pub(crate) fn row_of(&mut self, idents: &[Ident], parts: &[&str]) -> Option<EntityId> {
        if parts == ["viewer"] && idents[0].quote_style.is_none() {
            return self.model.viewer;
        }
        match self.find(idents, parts)? {
            Found::Spec(Resolved::Row(row), scope, _) => Some(scope.rows[row].1),
            Found::Spec(Resolved::Path { steps, field: None, .. }, ..) => {
                steps.last().map(|s| self.model.step_target(*s))
            }
            _ => None,
        }
    }

    pub(crate) fn relation_names(&self, entity: EntityId) -> Vec<SmolStr> {
        let e = self.model.entity(entity);
        let out = e.outgoing.iter().map(|r| self.model.relation(*r).path.clone());
        let mut names: Vec<SmolStr> =
            out.chain(e.incoming.iter().map(|r| self.model.relation(*r).inverse.clone())).collect();
        names.sort();
        names.dedup();
        names
    }
}

/// What is said of a way back that several relations could mean.
pub(crate) fn ambiguous_inverse(model: &Model, several: &[RelationId], name: &str, span: Span) -> Diagnostic {
    let ways: Vec<String> = several.iter().map(|r| format!("`{}`", model.relation(*r).inverse)).collect();
    let message = format!("several relations lead back as `{name}`");
    let mut found = Diagnostic::new(codes::AMBIGUOUS_INVERSE, span, message);
    for relation in several {
        found = found.also(model.relation(*relation).span, "one of them");
    }
    found.help(format!("write {}, or name one of them with `inverse`", ways.join(" or ")))
}

/// The identifier as Postgres folds it.
pub(crate) fn folded(ident: &Ident) -> SmolStr {
    if ident.quote_style.is_some() { (&*ident.value).into() } else { ident.value.to_ascii_lowercase().into() }
}

pub(super) fn shown(from: &From) -> &str {
    if from.alias.is_empty() { from.table.as_ref().map_or("", |t| &t.name) } else { &from.alias }
}

/// What stands after `table.` or `schema.table.`.
fn after_table<'p, 's>(table: &Qualified, parts: &'p [&'s str]) -> Option<&'p [&'s str]> {
    match parts {
        [schema, name, rest @ ..] if table.schema == *schema && table.name == *name => Some(rest),
        [name, rest @ ..] if table.name == *name => Some(rest),
        _ => None,
    }
}
