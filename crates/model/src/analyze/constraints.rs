//! Unique constraints, exclusions, indexes and partitions.

use super::entity::Pass;
use super::fields::list;
use super::project::Project;
use crate::formula::Formula;
use crate::scope::Scope;
use crate::types::*;
use crate::typing::{Expect, Place};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_facts::{Family, IndexMethod};
use specc_syntax::ast;

impl Pass<'_> {
    pub(crate) fn unique(&mut self, u: &ast::UniqueDecl, doc: &ast::Doc, span: Span) {
        let include = self.columns(&u.include);
        let Some(elements) = self.elements(&u.elements, Place::Index) else { return };
        let filter = self.condition(u.filter.as_ref(), Place::Index);
        let mut found = Unique {
            name: SmolStr::default(),
            doc: doc.clone(),
            elements,
            include,
            filter,
            nulls_not_distinct: u.nulls_not_distinct,
            deferrable: u.deferrable,
            initially_deferred: u.initially_deferred,
            span,
        };
        if found.is_index() && found.deferrable {
            let message = "a unique index cannot be deferrable";
            let help = "remove `deferrable`, or the condition and expressions that make it an index";
            self.out.push(Diagnostic::new(codes::BAD_INDEX, span, message).help(help));
        }
        for element in &found.elements {
            self.check_method(element, "btree", span);
        }
        found.name = match &u.name {
            Some(name) => name.text.clone(),
            None => {
                let columns = self.column_names(&found.elements, &found.include);
                let label = if found.is_index() { "idx" } else { "key" };
                self.names.choose(&self.entity.name.name, Some(&columns), label)
            }
        };
        self.parts.uniques.push(found);
    }

    pub(crate) fn index(&mut self, i: &ast::IndexDecl, member: &ast::Member) {
        let span = member.at.0;
        let include = self.columns(&i.include);
        let Some(elements) = self.elements(&i.elements, Place::Index) else { return };
        let filter = self.condition(i.filter.as_ref(), Place::Index);
        let method = i.method.as_ref().map_or_else(|| "btree".into(), |m| m.text.to_lowercase());
        let at = i.method.as_ref().map_or(span, |m| m.at.0);
        self.check_index(i, &method, &elements, at);
        if specc_facts::index_method(&method).is_some() {
            self.check_parameters(&i.with, Some(&method));
        }
        let name = match &i.name {
            Some(name) => name.text.clone(),
            None => {
                let columns = self.column_names(&elements, &include);
                self.names.choose(&self.entity.name.name, Some(&columns), "idx")
            }
        };
        self.parts.indexes.push(Index {
            meta: Meta {
                doc: member.doc.clone(),
                area: self.project.area(span),
                span: i.name.as_ref().map_or(span, |n| n.at.0),
                was: i.was.as_ref().map(|w| w.text.clone()),
                was_in: None,
            },
            name,
            unique: i.unique,
            method: method.into(),
            elements,
            include,
            filter,
            options: i.with.clone(),
            nulls_not_distinct: i.nulls_not_distinct,
            span,
        });
    }

    fn bad_index(&mut self, span: Span, message: String, help: impl Into<String>) {
        self.out.push(Diagnostic::new(codes::BAD_INDEX, span, message).help(help));
    }

    fn check_index(&mut self, i: &ast::IndexDecl, method: &str, elements: &[Element], at: Span) {
        let Some(known) = known_method(self.project, method, at, &mut self.out) else { return };
        let IndexMethod { most_columns: most, unique, ordered, includes, .. } = *known;
        if elements.len() > most {
            let help = format!("write one index for each column, or at most {most} here");
            self.bad_index(at, format!("a `{method}` index takes at most {most} and gets {}", elements.len()), help);
        }
        if i.unique && !unique {
            self.bad_index(at, format!("a `{method}` index cannot be unique"), "remove `unique`, or use `btree`");
        }
        if i.nulls_not_distinct && !i.unique {
            self.bad_index(at, "only a unique index has `nulls not distinct`".to_owned(), "write `unique index`");
        }
        if !i.include.is_empty() && !includes {
            let help = "remove `include`, or use `btree`";
            self.bad_index(i.include[0].at.0, format!("a `{method}` index has no included columns"), help);
        }
        for element in elements {
            if (element.desc || element.nulls_first.is_some()) && !ordered {
                let message = format!("a `{method}` index has no order");
                self.bad_index(element.span, message, "remove `desc` and `nulls`, or use `btree`");
            }
            self.check_method(element, method, at);
        }
    }

    fn check_class(&mut self, element: &Element, method: &str) {
        operator_class(self.project, self.model, element, method, &mut self.out);
    }

    /// Whether the method has an operator class for the element.
    pub(crate) fn check_method(&mut self, element: &Element, method: &str, _at: Span) {
        self.check_class(element, method);
        if let Some(opclass) = &element.opclass
            && let Some(extension) = specc_facts::extension_of_operator_class(&opclass.name)
            && !self.project.extensions.contains_key(extension)
        {
            let message = format!("`{}` comes from the extension `{extension}`, which is not declared", opclass.name);
            let help = format!("add `extension {extension}` to one of the files");
            self.out.push(Diagnostic::new(codes::UNKNOWN_EXTENSION, element.span, message).help(help));
        }
        let ty = match &element.on {
            On::Field(f) => self.model.under(&self.entity.fields[*f].ty),
            On::Expr(expr) => self.model.under(&expr.formula.ty),
        };
        let name = match &ty.base {
            Base::Builtin(name) => name.clone(),
            Base::Named(name) => name.name.clone(),
            Base::Unknown => return,
            _ => SmolStr::default(),
        };
        let shown = |pass: &Self| pass.project.describe(pass.model, &ty);
        if matches!(method, "hnsw" | "ivfflat") {
            let Some(most) = specc_facts::most_indexed_dimensions(&name) else {
                let shown = shown(self);
                let message = format!("a `{method}` index is over vectors, and this is {shown}");
                return self.bad_index(element.span, message, "use `btree`, or a `vector` column");
            };
            match ty.args.first() {
                None if matches!(&element.on, On::Field(_)) => {
                    let help = format!("give the column its dimensions: `{name}(1536)`");
                    self.bad_index(element.span, format!("`{method}` needs to know the dimensions of `{name}`"), help);
                }
                Some(dims) if *dims > most => {
                    let message = format!("a `{method}` index takes at most {most} dimensions of `{name}`");
                    let help = format!("use `halfvec({dims})` up to 4000 dimensions");
                    self.bad_index(element.span, message, help);
                }
                _ if element.opclass.is_none() && method == "hnsw" => {
                    let help = format!("say which distance: `({} {name}_cosine_ops)`", self.on_text(element));
                    self.bad_index(element.span, "an `hnsw` index needs an operator class".to_owned(), help);
                }
                _ => {}
            }
            return;
        }
        if element.opclass.is_some() {
            return;
        }
        if ty.base == Base::Unknown || self.has_default_class(method, &ty) {
            return;
        }
        let shown = shown(self);
        let problem = match method {
            "btree" => format!("{shown} has no order, which a `btree` index needs"),
            "hash" => format!("{shown} cannot be hashed"),
            "gin" => format!("a `gin` index is over arrays, jsonb and tsvector, and this is {shown}"),
            "gist" => format!("a `gist` index is over ranges and shapes, and this is {shown}"),
            _ => format!("a `{method}` index has no operators for {shown}"),
        };
        let help = match method {
            "gin" if specc_facts::family(&name) == Family::Text => {
                format!("say how to compare: `({} gin_trgm_ops)` with `extension pg_trgm`", self.on_text(element))
            }
            "gin" => "use `btree`, or declare `extension btree_gin`".to_owned(),
            "gist" => "use `btree`, or declare `extension btree_gist`".to_owned(),
            _ => "index an expression of it, or use another method".to_owned(),
        };
        self.bad_index(element.span, problem, help);
    }

    /// Whether values of the type can be indexed by the method without an operator class.
    fn has_default_class(&self, method: &str, ty: &Type) -> bool {
        let name = match &ty.base {
            Base::Builtin(name) => name.as_str(),
            Base::Named(name) => name.name.as_str(),
            Base::Enum(_) => "anyenum",
            _ => "record",
        };
        let extensions = &self.project.extensions;
        specc_facts::has_default_class(method, name, ty.dims > 0, |extension| extensions.contains_key(extension))
    }

    fn on_text(&self, element: &Element) -> SmolStr {
        match &element.on {
            On::Field(f) => self.entity.fields[*f].name.clone(),
            On::Expr(expr) => format!("({})", expr.text).into(),
        }
    }

    pub(crate) fn exclude(&mut self, e: &ast::ExcludeDecl, doc: &ast::Doc, span: Span) {
        let mut elements = Vec::new();
        for (element, operator) in &e.elements {
            let Some(element) = self.element(element, Place::Index) else { return };
            elements.push((element, operator.clone()));
        }
        let method: SmolStr = e.method.as_ref().map_or_else(|| "gist".into(), |m| m.text.to_lowercase().into());
        let at = e.method.as_ref().map_or(span, |m| m.at.0);
        let bad =
            |message: String, help: String, at: Span| Diagnostic::new(codes::BAD_EXCLUSION, at, message).help(help);
        if !specc_facts::index_method(&method).is_some_and(|known| known.excludes && known.extension == "-") {
            let message = format!("an exclusion cannot use `{method}`");
            self.out.push(bad(message, "use `gist`".to_owned(), at));
        }
        for (element, operator) in &elements {
            self.check_class(element, &method);
            let ty = match &element.on {
                On::Field(f) => self.model.under(&self.entity.fields[*f].ty),
                On::Expr(expr) => self.model.under(&expr.formula.ty),
            };
            let plain = match &ty.base {
                Base::Builtin(name) => {
                    use Family::{Geometry, Multirange, Network, Range, Search};
                    !matches!(specc_facts::family(name), Geometry | Multirange | Network | Range | Search)
                }
                Base::Enum(_) => true,
                _ => false,
            };
            if matches!(&*method, "btree" | "hash") && operator != "=" {
                let message = format!("a `{method}` exclusion compares with `=`, not `{operator}`");
                self.out.push(bad(message, "write `using gist`".to_owned(), element.span));
            } else if method == "gist" && plain && ty.dims == 0 && !self.has_default_class("gist", &ty) {
                let shown = self.project.describe(self.model, &ty);
                let message = format!("`gist` cannot compare {shown} without the extension `btree_gist`");
                let help = "add `extension btree_gist` to one of the files".to_owned();
                self.out.push(bad(message, help, element.span));
            } else if operator == "&&" && plain && ty.dims == 0 {
                let shown = self.project.describe(self.model, &ty);
                let message = format!("`&&` asks whether ranges overlap, and this is {shown}");
                self.out.push(bad(message, "compare it with `=`".to_owned(), element.span));
            }
        }
        let filter = self.condition(e.filter.as_ref(), Place::Index);
        let name = match &e.name {
            Some(name) => name.text.clone(),
            None => {
                let plain: Vec<Element> = elements.iter().map(|(e, _)| e.clone()).collect();
                let columns = self.column_names(&plain, &[]);
                self.names.choose(&self.entity.name.name, Some(&columns), "excl")
            }
        };
        self.parts.excludes.push(Exclude {
            name,
            doc: doc.clone(),
            method,
            elements,
            filter,
            deferrable: e.deferrable,
            initially_deferred: e.initially_deferred,
            span,
        });
    }

    fn bad_partition(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.out.push(Diagnostic::new(codes::BAD_PARTITION, span, message).help(help));
    }

    pub(crate) fn partition_by(&mut self, p: &ast::PartitionByDecl, span: Span) {
        let method: SmolStr = p.method.text.to_lowercase().into();
        if !matches!(&*method, "range" | "list" | "hash") {
            let message = format!("unknown partition method `{method}`");
            self.bad_partition(p.method.at.0, message, "methods are `range`, `list` and `hash`");
        }
        if self.parts.partition_by.is_some() {
            let message = format!("`{}` is partitioned twice", self.entity.name.name);
            self.bad_partition(span, message, "keep one `partition by`");
            return;
        }
        let Some(elements) = self.elements(&p.elements, Place::Index) else { return };
        if method == "list" && elements.len() > 1 {
            self.bad_partition(span, "a list partition has one column", "use one column, or `range` or `hash`");
        }
        for element in &elements {
            self.check_method(element, if method == "hash" { "hash" } else { "btree" }, span);
        }
        let rolls = p.rolls.as_ref().and_then(|d| self.rolls(d, &method, &elements));
        self.parts.partition_by = Some(PartitionBy { method, elements, rolls, span });
    }

    pub(crate) fn partition(&mut self, p: &ast::PartitionDecl, doc: &ast::Doc, span: Span) {
        let nothing = Scope::default();
        let mut values = |list: &[ast::RawExpr], out: &mut Vec<Diagnostic>| -> Vec<ExprRef> {
            list.iter().filter_map(|raw| self.exprs.get(raw, &nothing, Expect::any(Place::Default), out)).collect()
        };
        let mut out = std::mem::take(&mut self.out);
        let bounds = match &p.bounds {
            ast::PartitionBounds::Range { from, to } => {
                Bounds::Range { from: bound(from, &mut values, &mut out), to: bound(to, &mut values, &mut out) }
            }
            ast::PartitionBounds::List(list) => Bounds::List(values(list, &mut out)),
            ast::PartitionBounds::Hash { modulus, remainder } => {
                Bounds::Hash { modulus: *modulus, remainder: *remainder }
            }
            ast::PartitionBounds::Default => Bounds::Default,
        };
        self.out = out;
        self.project.check_schema(&p.name, &mut self.out);
        let name = Qualified {
            schema: p.name.schema.as_ref().map_or_else(|| self.entity.name.schema.clone(), |s| s.text.clone()),
            name: p.name.name.text.clone(),
        };
        let rls = p.rls.as_ref().map(super::entity::rls);
        self.check_parameters(&p.with, None);
        self.parts.partitions.push(Partition { name, doc: doc.clone(), bounds, rls, options: p.with.clone(), span });
    }

    /// A domain that takes no null takes none in a column that may be null either.
    pub(crate) fn check_nullable(&mut self) {
        for field in self.entity.fields.iter().filter(|field| field.nullable && field.ty.dims == 0) {
            let Base::Domain(id) = field.ty.base else { continue };
            let domain = &self.model.domains[id.0 as usize];
            if domain.nullable || self.entity.external {
                continue;
            }
            let message = format!("`{}` can hold no null: `{}` takes none", field.name, domain.name.name);
            let help = format!("remove the `?`, or let the domain take null: `domain {}: …?`", domain.name.name);
            let found = Diagnostic::new(codes::NULL_IN_DOMAIN, field.meta.span, message);
            self.out.push(found.also(domain.meta.span, "this domain").help(help));
        }
    }

    /// A key is an index.
    pub(crate) fn check_key(&mut self) {
        let Some(key) = &self.entity.key else { return };
        let span = key.span;
        for at in key.fields.clone() {
            let on = On::Field(at);
            let element = Element { on, collation: None, opclass: None, desc: false, nulls_first: None, span };
            self.check_method(&element, "btree", span);
        }
    }

    /// Partitions and keys fit the way the table is partitioned.
    pub(crate) fn check_partitioned(&mut self) {
        let partitions = std::mem::take(&mut self.parts.partitions);
        match self.parts.partition_by.clone() {
            None => {
                if let Some(first) = partitions.first() {
                    let message = format!("`{}` has partitions and is not partitioned", self.entity.name.name);
                    let help = "add `partition by range (column)`, `list` or `hash`";
                    self.bad_partition(first.span, message, help);
                }
            }
            Some(by) => {
                self.check_bounds(&by, &partitions);
                super::partitions::check(self.model, self.entity, &by, &partitions, &mut self.out);
                self.check_partition_keys(&by);
            }
        }
        self.parts.partitions = partitions;
    }

    fn check_bounds(&mut self, by: &PartitionBy, partitions: &[Partition]) {
        let mut default: Option<Span> = None;
        let count = by.elements.len();
        for partition in partitions {
            let wanted = match &*by.method {
                "range" => "from (…) to (…)",
                "list" => "in (…)",
                _ => "modulus … remainder …",
            };
            match (&partition.bounds, &*by.method) {
                (Bounds::Range { from, to }, "range") if from.len() != count || to.len() != count => {
                    let message = format!("`{}` needs {} on each side", partition.name.name, values(count));
                    self.bad_partition(partition.span, message, "give one value for each partition column");
                }
                (Bounds::Hash { modulus, remainder }, "hash") if remainder >= modulus => {
                    let message = format!("remainder {remainder} is not below modulus {modulus}");
                    self.bad_partition(partition.span, message, format!("use 0 to {}", modulus.saturating_sub(1)));
                }
                (Bounds::Range { .. }, "range") | (Bounds::List(_), "list") | (Bounds::Hash { .. }, "hash") => {}
                (Bounds::Default, "range" | "list") => {
                    if let Some(first) = default {
                        let message = format!("`{}` is a second default partition", partition.name.name);
                        let found = Diagnostic::new(codes::BAD_PARTITION, partition.span, message);
                        self.out.push(found.also(first, "first default").help("keep one of the two"));
                    }
                    default.get_or_insert(partition.span);
                }
                (Bounds::Default, "hash") => {
                    let message = "a table partitioned by hash has no default partition";
                    self.bad_partition(partition.span, message, "remove it, or give it a remainder");
                }
                (_, "range" | "list" | "hash") => {
                    let message = format!("`{}` does not fit `partition by {}`", partition.name.name, by.method);
                    let help = format!("write `partition {} {wanted}`", partition.name.name);
                    self.bad_partition(partition.span, message, help);
                }
                _ => {}
            }
        }
    }

    fn check_partition_keys(&mut self, by: &PartitionBy) {
        let mut keys: Vec<(Span, Vec<FieldIx>, &str)> = Vec::new();
        if let Some(key) = &self.entity.key {
            keys.push((key.span, key.fields.clone(), "key"));
        }
        for unique in &self.parts.uniques {
            let fields = unique.elements.iter().filter_map(|e| if let On::Field(f) = e.on { Some(f) } else { None });
            keys.push((unique.span, fields.collect(), "unique"));
        }
        for exclude in &self.parts.excludes {
            let equal = exclude.elements.iter().filter(|(_, operator)| operator == "=");
            let fields = equal.filter_map(|(e, _)| if let On::Field(f) = e.on { Some(f) } else { None });
            keys.push((exclude.span, fields.collect(), "exclude"));
        }
        for (span, fields, word) in keys {
            let mut missing = Vec::new();
            for element in &by.elements {
                match &element.on {
                    On::Field(f) if !fields.contains(f) => missing.push(self.entity.fields[*f].name.as_str()),
                    On::Expr(_) => {
                        let message = "a key cannot hold on a table that is partitioned by an expression";
                        let found =
                            Diagnostic::new(codes::PARTITION_KEY, span, message).also(element.span, "expression");
                        self.out.push(found.help("partition by columns, or remove the key"));
                    }
                    On::Field(_) => {}
                }
            }
            if !missing.is_empty() {
                let mut names: Vec<&str> = fields.iter().map(|f| self.entity.fields[*f].name.as_str()).collect();
                let message = format!(
                    "the {} does not have {}, by which `{}` is partitioned",
                    if word == "exclude" { "exclusion" } else { "key" },
                    list(&missing),
                    self.entity.name.name
                );
                names.extend(&missing);
                let found = Diagnostic::new(codes::PARTITION_KEY, span, message).also(by.span, "partitioned here");
                self.out.push(found.help(match word {
                    "exclude" => {
                        format!("add `{} with =`, and give it an operator class for `=`", missing.join(" with =, "))
                    }
                    word => format!("write `{word} ({})`", names.join(", ")),
                }));
            }
        }
    }
}

/// The method with this name, which an extension of the project or Postgres has.
pub(super) fn known_method(
    project: &Project<'_>,
    method: &str,
    at: Span,
    out: &mut Vec<Diagnostic>,
) -> Option<&'static IndexMethod> {
    let Some(known) = specc_facts::index_method(method) else {
        let names = || specc_facts::index_methods().iter().map(|m| m.name);
        let help = match nearest(method, names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("methods are {}", names().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")),
        };
        let message = format!("unknown index method `{method}`");
        out.push(Diagnostic::new(codes::BAD_INDEX, at, message).help(help));
        return None;
    };
    let extension = known.extension;
    if extension != "-" && !project.extensions.contains_key(extension) {
        let message = format!("index method `{method}` comes from the extension `{extension}`, which is not declared");
        let help = format!("add `extension {extension}` to one of the files");
        out.push(Diagnostic::new(codes::UNKNOWN_EXTENSION, at, message).help(help));
    }
    Some(known)
}

/// Whether there is an operator class that is named, and the method has it.
pub(super) fn operator_class(
    project: &Project<'_>,
    model: &Model,
    element: &Element,
    method: &str,
    out: &mut Vec<Diagnostic>,
) {
    let Some(named) = element.opclass.as_ref().filter(|class| class.schema.is_empty()) else { return };
    let name = named.name.as_str();
    let mut bad =
        |message: String, help: String| out.push(Diagnostic::new(codes::BAD_INDEX, element.span, message).help(help));
    let provided = model.sql_blocks.iter().flat_map(|block| &block.provides);
    if provided.into_iter().any(|(kind, class)| kind == "operator class" && class.name == name) {
        return;
    }
    let of = |method: &'static str| specc_facts::operator_classes(method).any(|class| class == name);
    let Some(method) = specc_facts::index_method(method) else { return };
    if of(method.name) {
        return;
    }
    if let Some(other) = specc_facts::index_methods().iter().find(|other| of(other.name)) {
        let help = format!("write `using {}`, or remove the operator class", other.name);
        let message = format!("the operator class `{name}` is for `{}` indexes, not for `{}`", other.name, method.name);
        bad(message, help);
    } else if specc_facts::extension_of_operator_class(name).is_none()
        && project.extensions.keys().all(|extension| specc_facts::is_known_extension(extension))
    {
        let help = match nearest(name, specc_facts::operator_classes(method.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("remove it, or make it in a block: `sql … provides operator class {name} …`"),
        };
        bad(format!("unknown operator class `{name}`"), help);
    }
}

fn values(count: usize) -> String {
    if count == 1 { "one value".to_owned() } else { format!("{count} values") }
}

/// Bounds may be `minvalue` and `maxvalue`, which are no columns.
fn bound(
    raws: &[ast::RawExpr],
    values: &mut impl FnMut(&[ast::RawExpr], &mut Vec<Diagnostic>) -> Vec<ExprRef>,
    out: &mut Vec<Diagnostic>,
) -> Vec<ExprRef> {
    raws.iter()
        .flat_map(|raw| {
            let word = raw.text.trim().to_lowercase();
            if matches!(&*word, "minvalue" | "maxvalue") {
                let formula = Formula::word(&word, raw.at.0);
                return vec![std::sync::Arc::new(Expr { formula, text: word.into(), span: raw.at.0 })];
            }
            values(std::slice::from_ref(raw), out)
        })
        .collect()
}
