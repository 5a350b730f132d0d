//! The second look at an entity, when everything is declared: expressions, constraints, indexes, behaviour, rules.

use super::expand::Expanded;
use super::exprs::Exprs;
use super::fields::{Shape, anchor, unknown_field};
use super::names::{self, Names, quoted};
use super::project::{Project, Seen, check_name};
use super::substitute::as_name;
use super::typeref::plain;
use crate::past;
use crate::scope::Scope;
use crate::types::*;
use crate::typing::origin::Asked;
use crate::typing::{Expect, Place};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_facts::Searching;
use specc_syntax::ast::{self, MemberKind};

/// The expressions of a field.
#[derive(Debug, Default)]
pub(crate) struct FieldParts {
    pub default: Option<ExprRef>,
    pub generated: Option<ExprRef>,
    pub backfill: Option<ExprRef>,
    pub using: Option<ExprRef>,
    pub maintained: Option<Maintained>,
    pub shape: Option<specc_sql::Json>,
}

/// What the second look finds; put into the model afterwards.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub fields: Vec<(FieldIx, FieldParts)>,
    pub key_name: SmolStr,
    pub constraints: Vec<(RelationId, SmolStr)>,
    pub rls: Option<Rls>,
    pub options: Vec<ast::Setting>,
    pub replica_identity: Option<ReplicaIdentity>,
    pub inherits: Vec<EntityId>,
    pub origins: Vec<Origin>,
    pub depends: Vec<Object>,
    /// Keys that `on conflict` names in the bodies of its triggers.
    pub conflicts: Vec<super::conflicts::Pending>,
    pub uniques: Vec<Unique>,
    pub checks: Vec<Check>,
    pub excludes: Vec<Exclude>,
    pub indexes: Vec<Index>,
    pub searches: Vec<Search>,
    pub partition_by: Option<PartitionBy>,
    pub partitions: Vec<Partition>,
    pub workflows: Vec<Workflow>,
    pub limits: Vec<Limit>,
    pub triggers: Vec<Trigger>,
    pub rules: Vec<Rule>,
    pub promises: Vec<Promise>,
}

/// The second look at one entity.
pub(crate) struct Pass<'p> {
    pub project: &'p Project<'p>,
    pub model: &'p Model,
    pub exprs: &'p Exprs<'p>,
    pub entity: &'p Entity,
    pub scope: Scope,
    pub names: Names,
    pub parts: Parts,
    pub out: Vec<Diagnostic>,
}

/// Looks at everything in `expanded` that the first look left open.
pub(crate) fn entity(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    entity: &Entity,
    expanded: &Expanded<'_>,
    shape: &Shape,
    from: &[ast::RawExpr],
) -> (Parts, Vec<Diagnostic>) {
    let mut pass = Pass {
        project,
        model: exprs.model,
        exprs,
        entity,
        scope: Scope::of(entity.id),
        names: Names::default(),
        parts: Parts::default(),
        out: Vec::new(),
    };
    pass.reserve(expanded);
    pass.name_key(expanded);
    for (mem, slot) in expanded.members.iter().zip(&shape.slots) {
        let before = pass.out.len();
        pass.member(&mem.member, *slot);
        anchor(project, mem.via.as_ref(), &entity.name.name, &mut pass.out[before..]);
    }
    pass.origins(from);
    pass.name_references();
    pass.check_key();
    pass.check_nullable();
    pass.check_partitioned();
    pass.check_replica_identity();
    pass.check_generated();
    pass.check_first_states();
    pass.check_new_rows();
    (pass.parts, pass.out)
}

impl Pass<'_> {
    /// Names that the author gave are taken first.
    fn reserve(&mut self, expanded: &Expanded<'_>) {
        let mut seen: Seen<(bool, SmolStr)> = Seen::new();
        for mem in &expanded.members {
            let (name, is_index) = match &mem.member.kind {
                MemberKind::Key(k) => (k.name.as_ref(), false),
                MemberKind::Unique(u) => (u.name.as_ref(), false),
                MemberKind::Check(c) => (c.name.as_ref(), false),
                MemberKind::Exclude(e) => (e.name.as_ref(), false),
                MemberKind::Index(i) => (i.name.as_ref(), false),
                MemberKind::Ref(r) => (r.options.constraint.as_ref(), false),
                MemberKind::CompositeRef(r) => (r.options.constraint.as_ref(), false),
                MemberKind::Trigger(t) => (Some(&t.name), true),
                MemberKind::Limit(l) => (Some(&l.name), true),
                _ => continue,
            };
            let Some(name) = name else { continue };
            let before = self.out.len();
            check_name(name, &mut self.out);
            let table = &self.entity.name.name;
            let message = || {
                let what = if is_index { "triggers or limits" } else { "constraints or indexes" };
                (format!("two {what} of `{table}` are called `{}`", name.text), "rename one of the two".to_owned())
            };
            let key = (is_index, name.text.clone());
            seen.add(key, name.at.0, codes::DUPLICATE_NAME, message, &mut self.out);
            if !is_index {
                self.names.reserve(&name.text);
            }
            anchor(self.project, mem.via.as_ref(), &self.entity.name.name, &mut self.out[before..]);
        }
    }

    fn name_key(&mut self, expanded: &Expanded<'_>) {
        if self.entity.key.is_none() {
            return;
        }
        let given = expanded.members.iter().find_map(|m| match &m.member.kind {
            MemberKind::Key(k) => k.name.as_ref(),
            _ => None,
        });
        self.parts.key_name = match given {
            Some(name) => name.text.clone(),
            None => self.names.choose(&self.entity.name.name, None, "pkey"),
        };
    }

    fn name_references(&mut self) {
        for id in &self.entity.outgoing {
            let relation = self.model.relation(*id);
            if relation.constraint.is_empty() {
                let columns = names::columns(relation.fields.iter().map(|f| self.entity.fields[*f].name.as_str()));
                let name = self.names.choose(&self.entity.name.name, Some(&columns), "fkey");
                self.parts.constraints.push((*id, name));
            }
        }
    }

    fn member(&mut self, member: &ast::Member, slot: Option<FieldIx>) {
        match &member.kind {
            MemberKind::Field(f) => self.field(f, slot),
            MemberKind::Ref(r) => self.reference(r, slot),
            MemberKind::Unique(u) => self.unique(u, &member.doc, member.at.0),
            MemberKind::Check(c) => self.check(c, &member.doc),
            MemberKind::Exclude(e) => self.exclude(e, &member.doc, member.at.0),
            MemberKind::Index(i) => self.index(i, member),
            MemberKind::Search(s) => self.search(s, slot, member.at.0),
            MemberKind::PartitionBy(p) => self.partition_by(p, member.at.0),
            MemberKind::Partition(p) => self.partition(p, &member.doc, member.at.0),
            MemberKind::Workflow(w) => self.workflow(w, member.at.0),
            MemberKind::Limit(l) => self.limit(l, &member.doc, member.at.0),
            MemberKind::Trigger(t) => {
                let found = self.trigger(t, &member.doc, member.at.0);
                self.parts.triggers.extend(found);
            }
            MemberKind::Policy(rules) => self.parts.rules.extend(
                rules
                    .iter()
                    .filter_map(|r| super::access::rule(self.project, self.exprs, self.entity.id, r, &mut self.out)),
            ),
            MemberKind::Promise(p) => {
                let id = self.entity.id;
                let found = super::promises::promise(self.project, self.exprs, id, p, &member.doc, &mut self.out);
                self.parts.promises.push(found);
            }
            MemberKind::Rls(word) => {
                self.parts.rls = Some(rls(word));
            }
            MemberKind::With(settings) => {
                self.check_parameters(settings, None);
                self.parts.options.extend(settings.iter().cloned());
            }
            MemberKind::Depends(list) => {
                let found = list
                    .iter()
                    .filter_map(|(kind, name)| super::items::object(self.project, kind.as_ref(), name, &mut self.out));
                self.parts.depends.extend(found);
            }
            MemberKind::Inherits(list) => {
                let found = list.iter().filter_map(|name| self.project.entity(name, &mut self.out));
                self.parts.inherits.extend(found);
            }
            MemberKind::ReplicaIdentity(said) => self.replica_identity(said),
            MemberKind::Key(_)
            | MemberKind::CompositeRef(_)
            | MemberKind::Use(_)
            | MemberKind::Retain(_)
            | MemberKind::Distribute(_) => {}
        }
    }

    fn field(&mut self, f: &ast::FieldDecl, slot: Option<FieldIx>) {
        let Some(at) = slot else { return };
        let ty = &self.entity.fields[at].ty;
        let mut found = FieldParts::default();
        match &f.value {
            Some(ast::FieldValue::Default(raw)) => {
                found.default = self.exprs.default(raw, ty, &mut self.out);
            }
            Some(ast::FieldValue::Maintained(m)) => found.maintained = self.maintained(m, at),
            None => {}
        }
        if let Some(raw) = &f.generated {
            found.generated = self.exprs.get(raw, &self.scope, Expect::value(Place::Generated, ty), &mut self.out);
        }
        if let Some(raw) = &f.using {
            found.using = self.exprs.get(raw, &self.scope, Expect::value(Place::Using(at), ty), &mut self.out);
        }
        if let Some(raw) = &f.backfill {
            found.backfill = self.exprs.get(raw, &self.scope, Expect::value(self.backfill(at), ty), &mut self.out);
        }
        found.shape = self.shape(f, ty);
        self.check_stored(f, ty);
        self.parts.fields.push((at, found));
        if f.unique {
            self.unique_column(at, f.name.at.0);
        }
    }

    fn reference(&mut self, r: &ast::RefDecl, slot: Option<FieldIx>) {
        let Some(at) = slot else { return };
        let ty = &self.entity.fields[at].ty;
        let mut found = FieldParts::default();
        if let Some(raw) = &r.default {
            found.default = self.exprs.default(raw, ty, &mut self.out);
        }
        if let Some(raw) = &r.using {
            found.using = self.exprs.get(raw, &self.scope, Expect::value(Place::Using(at), ty), &mut self.out);
        }
        if let Some(raw) = &r.backfill {
            found.backfill = self.exprs.get(raw, &self.scope, Expect::value(self.backfill(at), ty), &mut self.out);
        }
        self.parts.fields.push((at, found));
        if r.unique {
            self.unique_column(at, r.column.at.0);
        }
    }

    /// What a backfill names has to be there where it is done: otherwise it is the trace of what was done before, or nothing
    /// is known of the last state.
    fn backfill(&self, at: FieldIx) -> Place {
        Place::Backfill { gone: !past::fills(self.model, self.entity, &self.entity.fields[at]) }
    }

    /// The queries of `from`.
    pub(super) fn origins(&mut self, queries: &[ast::RawExpr]) {
        let known = self.model.options.last.is_some();
        let gone = !known || past::table_before(self.model, self.entity).is_some();
        for raw in queries {
            let tree = match specc_expr::parse_query(&raw.text, raw.at.0) {
                Ok(tree) => tree,
                Err(found) => {
                    self.out.push(found);
                    continue;
                }
            };
            let asked = Asked { entity: self.entity.id, query: &tree, text: &raw.text, at: raw.at.0, gone };
            let Some(origin) = self.exprs.typing.origin(&asked, &mut self.out) else { continue };
            for (at, field) in self.entity.fields.iter().enumerate() {
                let own = self.parts.fields.iter().find(|(other, _)| *other == at).map(|(_, parts)| parts);
                let computed = own.is_some_and(|own| own.generated.is_some() || own.maintained.is_some());
                let filled = computed || field.identity.is_some() || own.is_some_and(|own| own.default.is_some());
                let given = origin.columns.contains(&at);
                if computed && given {
                    let message = format!("`{}` is worked out by Postgres, and takes no value", field.name);
                    let found = Diagnostic::new(codes::ORIGIN_MISMATCH, raw.at.0, message);
                    self.out.push(found.help("leave it out of the query"));
                }
                if !given && !filled && !field.nullable {
                    let message = format!("the query gives no `{}`, which needs a value", field.name);
                    let help = format!("add it to the query: `… as {}`; or give the field a default", field.name);
                    let found = Diagnostic::new(codes::ORIGIN_MISMATCH, raw.at.0, message);
                    self.out.push(found.also(field.meta.span, "declared here").help(help));
                }
            }
            self.parts.origins.push(origin);
        }
    }

    fn unique_column(&mut self, at: FieldIx, span: Span) {
        let name = self.names.choose(&self.entity.name.name, Some(&self.entity.fields[at].name), "key");
        let element =
            Element { on: On::Field(at), collation: None, opclass: None, desc: false, nulls_first: None, span };
        self.parts.uniques.push(Unique {
            name,
            doc: None,
            elements: vec![element],
            include: Vec::new(),
            filter: None,
            nulls_not_distinct: false,
            deferrable: false,
            initially_deferred: false,
            span,
        });
    }

    /// The place of a field, or a finding.
    pub(crate) fn column(&mut self, name: &ast::Name) -> Option<FieldIx> {
        let found = self.entity.field(&name.text);
        if found.is_none() {
            self.out.push(unknown_field(self.entity, &name.text, name.at.0));
        }
        found
    }

    pub(crate) fn columns(&mut self, names: &[ast::Name]) -> Vec<FieldIx> {
        names.iter().filter_map(|n| self.column(n)).collect()
    }

    pub(crate) fn condition(&mut self, raw: Option<&ast::RawExpr>, place: Place) -> Option<ExprRef> {
        self.exprs.get(raw?, &self.scope, Expect::condition(place), &mut self.out)
    }

    pub(crate) fn element(&mut self, element: &ast::IndexElement, place: Place) -> Option<Element> {
        let on = if element.is_column {
            let name = as_name(&element.expr.text);
            match self.model.field(self.entity.id, &name) {
                Some(at) => On::Field(at),
                None => {
                    self.out.push(unknown_field(self.entity, &name, element.expr.at.0));
                    return None;
                }
            }
        } else {
            On::Expr(self.exprs.get(&element.expr, &self.scope, Expect::any(place), &mut self.out)?)
        };
        Some(Element {
            on,
            collation: element.collate.as_ref().map(|c| self.project.collation(c, &mut self.out)),
            opclass: element.opclass.as_ref().map(|c| self.project.bare(c)),
            desc: element.desc,
            nulls_first: element.nulls_first,
            span: element.at.0,
        })
    }

    /// All elements, or none if one of them is wrong.
    pub(crate) fn elements(&mut self, elements: &[ast::IndexElement], place: Place) -> Option<Vec<Element>> {
        let mut list = Vec::with_capacity(elements.len());
        list.extend(elements.iter().filter_map(|e| self.element(e, place)));
        (list.len() == elements.len()).then_some(list)
    }

    /// What the columns of an index are called in its conventional name; included columns count.
    pub(crate) fn column_names(&self, elements: &[Element], include: &[FieldIx]) -> String {
        let mut list: Vec<SmolStr> = Vec::new();
        let of = |f: &FieldIx| self.entity.fields[*f].name.clone();
        let all = elements.iter().map(|e| match &e.on {
            On::Field(f) => of(f),
            On::Expr(expr) => names::of_expression(self.model, self.entity.id, &expr.formula),
        });
        for name in all.chain(include.iter().map(of)) {
            let mut unique = name.clone();
            let mut pass = 0;
            while list.contains(&unique) {
                pass += 1;
                unique = format!("{name}{pass}").into();
            }
            list.push(unique);
        }
        names::columns(list.iter().map(SmolStr::as_str))
    }

    fn check(&mut self, c: &ast::CheckDecl, doc: &ast::Doc) {
        let Some(expr) = self.exprs.get(&c.expr, &self.scope, Expect::condition(Place::Check), &mut self.out) else {
            return;
        };
        let name = match &c.name {
            Some(name) => name.text.clone(),
            None => {
                // Postgres names a check after its column if it has just one
                let one = match expr.formula.columns().as_slice() {
                    [(_, one)] => Some(self.entity.fields[*one].name.clone()),
                    _ => None,
                };
                self.names.choose(&self.entity.name.name, one.as_deref(), "check")
            }
        };
        self.parts.checks.push(Check {
            name,
            doc: doc.clone(),
            expr,
            no_inherit: c.no_inherit,
            not_valid: c.not_valid,
            span: c.at.0,
        });
    }

    /// Generated columns read only ordinary columns.
    fn check_generated(&mut self) {
        let generated: Vec<FieldIx> =
            self.parts.fields.iter().filter(|(_, p)| p.generated.is_some()).map(|(at, _)| *at).collect();
        for (at, parts) in &self.parts.fields {
            let Some(expr) = &parts.generated else { continue };
            let read = expr.formula.columns();
            if let Some(used) = read.iter().map(|(_, field)| *field).rfind(|field| generated.contains(field)) {
                let (mine, used) = (&self.entity.fields[*at].name, &self.entity.fields[used]);
                if *mine == used.name && self.parts.searches.iter().any(|s| s.field == *at) {
                    continue;
                }
                let message = format!("generated column `{mine}` uses the generated column `{}`", used.name);
                let help = format!("write out the expression of `{}` instead of its name", used.name);
                let found = Diagnostic::new(codes::BAD_GENERATED, expr.span, message);
                self.out.push(found.also(used.meta.span, "generated here").help(help));
            }
        }
    }

    fn search(&mut self, s: &ast::SearchDecl, slot: Option<FieldIx>, span: Span) {
        let mut fields = Vec::new();
        for (name, weight) in &s.fields {
            let Some(at) = self.column(name) else { continue };
            let field = &self.entity.fields[at];
            if !self.model.is_text(&field.ty) {
                let message = format!("`{}` is {}, not text", name.text, self.project.describe(self.model, &field.ty));
                let help = "search reads text columns; keep the words in one, or remove this column here";
                self.out.push(Diagnostic::new(codes::BAD_SEARCH, name.at.0, message).help(help));
                continue;
            }
            let letter = match weight {
                None => None,
                Some(weight) => match weight.text.to_uppercase().as_str() {
                    "A" | "B" | "C" | "D" => weight.text.to_uppercase().chars().next(),
                    _ => {
                        let message = format!("`{}` is not a weight", weight.text);
                        let help = "weights are `A`, `B`, `C` and `D`";
                        self.out.push(Diagnostic::new(codes::BAD_SEARCH, weight.at.0, message).help(help));
                        None
                    }
                },
            };
            fields.push((at, letter));
        }
        let Some(field) = slot else { return };
        if fields.is_empty() {
            return;
        }
        if let Some(config) = &s.config
            && !specc_facts::searches(Searching::Configuration, &config.text)
            && !self.project.may_make(&config.text)
        {
            let message = format!("there is no text search configuration `{}`", config.text);
            let near = nearest(&config.text, specc_facts::searching(Searching::Configuration));
            let help = near.map_or_else(
                || "write one such as `english` or `simple`".to_owned(),
                |n| format!("did you mean `{n}`?"),
            );
            self.out.push(Diagnostic::new(codes::UNKNOWN_WORD, config.at.0, message).help(help));
        }
        let config: SmolStr = s.config.as_ref().map_or_else(|| "english".into(), |c| c.text.clone());
        let parts: Vec<String> = fields
            .iter()
            .map(|(at, weight)| {
                let column = quoted(&self.entity.fields[*at].name);
                let vector =
                    format!("to_tsvector('{}'::regconfig, coalesce({column}, ''))", config.replace('\'', "''"));
                match weight {
                    Some(weight) => format!("setweight({vector}, '{weight}')"),
                    None => vector,
                }
            })
            .collect();
        let text: SmolStr = parts.join(" || ").into();
        let Ok(ast) = specc_expr::parse_expr(&text, span) else { return };
        let tsvector = plain("tsvector");
        let expect = Expect::value(Place::Generated, &tsvector);
        // Nobody wrote it, so nothing is said of it.
        let formula = self.exprs.typing.check(&self.scope, &ast, &text, span, expect, &mut Vec::new());
        let generated = Some(std::sync::Arc::new(Expr { formula, text, span }));
        self.parts.fields.push((field, FieldParts { generated, ..FieldParts::default() }));
        let index_name = self.names.choose(&self.entity.name.name, Some(&self.entity.fields[field].name), "idx");
        self.parts.searches.push(Search { field, fields, config, index_name });
    }
}

/// `off`, `force`, `on`
pub(crate) fn rls(word: &ast::Name) -> Rls {
    match word.text.as_str() {
        "force" => Rls::Forced,
        "off" => Rls::Off,
        _ => Rls::On,
    }
}

/// A trigger that is declared by itself.
pub(crate) fn single_trigger(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    entity: &Entity,
    item: &ast::Item,
    d: &ast::TriggerDecl,
    out: &mut Vec<Diagnostic>,
) -> Option<Trigger> {
    let mut pass = Pass {
        project,
        model: exprs.model,
        exprs,
        entity,
        scope: Scope::of(entity.id),
        names: Names::default(),
        parts: Parts::default(),
        out: Vec::new(),
    };
    let found = pass.trigger(d, &item.doc, item.at.0);
    out.extend(pass.out);
    super::conflicts::check(project, exprs.model, pass.parts.conflicts, out);
    found
}
