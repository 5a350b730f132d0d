//! Seed rows: labels, values and what is missing.

use super::collect::Decls;
use super::exprs::Exprs;
use super::fields::{list, unknown_field};
use super::project::{Project, Seen, show, sorted};
use crate::types::*;
use indexmap::IndexMap;
use rustc_hash::{FxHashMap, FxHashSet};
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_split::{Lexer, Token, TokenKind};
use specc_syntax::ast::{self, RawExpr};

/// Rows that all lines of an environment together may generate, for a file. A line with more of them alone is for who fills a
/// database (`specc seed`), and no file has its rows.
const MOST_ROWS: u64 = 100_000;

/// Every word that may follow `fake.`.
pub const FAKE: &[&str] = &[
    "address",
    "bool",
    "city",
    "color",
    "company",
    "country",
    "country_code",
    "date",
    "email",
    "first_name",
    "int",
    "ip",
    "job",
    "job_title",
    "json",
    "last_name",
    "lorem",
    "name",
    "number",
    "paragraph",
    "phone",
    "postcode",
    "sentence",
    "slug",
    "street",
    "text",
    "timestamp",
    "title",
    "url",
    "username",
    "uuid",
    "word",
    "words",
    "zip",
];

/// Whether the word is a value by itself.
pub(super) fn is_value(word: &str) -> bool {
    matches!(word, "true" | "false" | "null" | "default")
        || specc_facts::grammar(word).is_some_and(|function| function.value.is_some())
}

/// Where each label of an entity is.
pub(crate) type Places = FxHashMap<(EntityId, SmolStr), Span>;

/// Labels by environment.
#[derive(Default)]
pub(crate) struct Labels {
    places: FxHashMap<SmolStr, Places>,
}

/// The labels that rows of an environment can name.
#[derive(Clone, Copy)]
pub(super) struct Sight<'l> {
    /// All there are.
    pub labels: &'l Labels,
    /// The environment; rows of `base` are in every one.
    pub env: &'l SmolStr,
    /// Those of a scenario.
    pub own: Option<&'l Places>,
}

impl<'l> Sight<'l> {
    fn places(self) -> impl Iterator<Item = &'l Places> {
        let other = (self.env != "base").then_some("base");
        let envs = std::iter::once(self.env.as_str()).chain(other);
        self.own.into_iter().chain(envs.filter_map(move |env| self.labels.places.get(env)))
    }

    /// Where the label of an entity is.
    pub fn find(self, entity: EntityId, label: &SmolStr) -> Option<Span> {
        let key = (entity, label.clone());
        self.places().find_map(|places| places.get(&key).copied())
    }

    /// Every label, in no order.
    pub fn all(self) -> impl Iterator<Item = &'l (EntityId, SmolStr)> {
        self.places().flat_map(|places| places.keys())
    }

    /// The entities that have a row of this label.
    pub fn entities(self, label: &SmolStr) -> Vec<EntityId> {
        let mut found: Vec<EntityId> = self.all().filter(|(_, l)| l == label).map(|(entity, _)| *entity).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// What a row may leave out although nothing in the model fills it.
#[derive(Default)]
pub(crate) struct Filled {
    /// Entities with triggers that may fill columns.
    pub entities: FxHashSet<EntityId>,
    /// Fields whose own value is broken, which is said already.
    pub fields: FxHashSet<(EntityId, FieldIx)>,
}

/// All seed rows, `base` first.
pub(crate) fn seeds(
    project: &Project<'_>,
    exprs: &Exprs<'_>,
    decls: &Decls<'_>,
    filled: &Filled,
    out: &mut Vec<Diagnostic>,
) -> (Vec<SeedSet>, Labels) {
    let mut sets: IndexMap<SmolStr, Vec<(EntityId, &ast::SeedRow)>> = IndexMap::new();
    sets.insert("base".into(), Vec::new());
    for (_, d) in &decls.seeds {
        let rows = sets.entry(d.env.text.clone()).or_default();
        for row in &d.rows {
            if let Some(entity) = project.entity(&row.entity, out) {
                rows.push((entity, row));
            }
        }
    }
    let mut labels = Labels::default();
    for (env, rows) in &sets {
        for (entity, row) in rows {
            let Some(label) = &row.label else { continue };
            let key = (*entity, label.text.clone());
            let base = labels.places.get("base").and_then(|l| l.get(&key)).copied();
            let own = labels.places.entry(env.clone()).or_default();
            if let Some(first) = own.get(&key).copied().or(base) {
                let message = format!("`{}` has two rows labelled `{}`", show(&row.entity), label.text);
                let found = Diagnostic::new(codes::SEED_DUPLICATE, label.at.0, message).label("again here");
                out.push(found.also(first, "first here").help("give one of them another label"));
            } else {
                own.insert(key, label.at.0);
            }
        }
    }
    let mut result = Vec::new();
    for (env, rows) in &sets {
        let mut list = Vec::new();
        let mut total = 0u64;
        for (entity, row) in rows {
            let count = u64::from(row.count.unwrap_or(1));
            let sight = Sight { labels: &labels, env, own: None };
            let read = Reader { project, exprs, sight, out }.row(*entity, row, filled);
            let is_large = read.large;
            let named = read.fields.iter().any(|(_, value)| matches!(value, SeedValue::Label { .. }));
            total += if is_large { 0 } else { count };
            let wrong = match () {
                () if is_large && env == "base" => Some((
                    format!("{count} rows are more than the {MOST_ROWS} that a migration may have"),
                    "give them to another environment, which `specc seed` fills",
                )),
                () if is_large && named => Some((
                    format!(
                        "{count} rows cannot refer to a row by its label: `specc seed` makes them, and no file knows that row"
                    ),
                    "write `any` and the entity",
                )),
                () if !is_large && total > MOST_ROWS && total - count <= MOST_ROWS => Some((
                    format!("the rows of `{env}` are more than the {MOST_ROWS} that a file may have"),
                    "generate fewer rows here, or more than that in one line, which `specc seed` adds by `copy`",
                )),
                () => None,
            };
            if let Some((message, help)) = wrong {
                out.push(Diagnostic::new(codes::SEED_TOO_MANY, row.entity.span(), message).help(help));
            }
            list.push(read);
        }
        cycles(exprs.model, &list, out);
        if !list.is_empty() {
            result.push(SeedSet { env: env.clone(), rows: list });
        }
    }
    (result, labels)
}

/// A domain's default, or that of the domain it is made of.
fn has_default(model: &Model, base: &Base) -> bool {
    let mut base = base;
    for _ in 0..32 {
        let Base::Domain(id) = base else { return false };
        let domain = &model.domains[id.0 as usize];
        if domain.default.is_some() {
            return true;
        }
        base = &domain.base.base;
    }
    false
}

pub(super) struct Reader<'r> {
    pub project: &'r Project<'r>,
    pub exprs: &'r Exprs<'r>,
    pub sight: Sight<'r>,
    pub out: &'r mut Vec<Diagnostic>,
}

impl Reader<'_> {
    pub fn row(&mut self, id: EntityId, row: &ast::SeedRow, filled: &Filled) -> SeedRow {
        let (fields, seen) = self.fields(id, &row.fields);
        if let Some(seen) = seen {
            let span = row.entity.span();
            let span = row.label.as_ref().map_or(span, |l| span.to(l.at.0));
            self.missing(id, span, &seen, filled, true);
        }
        SeedRow {
            entity: id,
            label: row.label.as_ref().map(|l| l.text.clone()),
            count: row.count,
            fields,
            large: row.count.is_some_and(|count| u64::from(count) > MOST_ROWS),
            span: row.at.0,
        }
    }

    /// The values of columns, and which are given; none where a name is misspelled.
    pub fn fields(
        &mut self,
        id: EntityId,
        written: &[(ast::Name, RawExpr)],
    ) -> (Vec<(FieldIx, SeedValue)>, Option<Seen<FieldIx>>) {
        let entity = self.exprs.model.entity(id);
        let mut seen: Seen<FieldIx> = Seen::new();
        let mut fields = Vec::new();
        let mut misspelled = false;
        for (name, raw) in written {
            let Some(at) = self.exprs.model.field(id, &name.text) else {
                misspelled = true;
                self.out.push(unknown_field(entity, &name.text, name.at.0));
                continue;
            };
            let message = || (format!("`{}` is given twice", name.text), "remove one of the two".to_owned());
            if !seen.add(at, name.at.0, codes::DUPLICATE_FIELD, message, self.out) {
                continue;
            }
            let field = &entity.fields[at];
            let made = if field.generated.is_some() || entity.searches.iter().any(|s| s.field == at) {
                Some("is generated")
            } else if field.maintained.is_some() {
                Some("is kept by triggers")
            } else {
                None
            };
            if let Some(made) = made {
                let message = format!("`{}` {made}, so a row cannot give it", name.text);
                self.out.push(Diagnostic::new(codes::SEED_VALUE, name.at.0, message).help("remove it here"));
                continue;
            }
            if raw.text.trim().eq_ignore_ascii_case("null") && !field.nullable {
                let message = format!("`{}` is never null", name.text);
                let help = format!("give it a value, or make it nullable: `{}: …?`", name.text);
                let found = Diagnostic::new(codes::SEED_VALUE, raw.at.0, message);
                self.out.push(found.also(field.meta.span, "declared here").help(help));
                continue;
            }
            if let Some(value) = self.value(entity, at, raw) {
                fields.push((at, value));
            }
        }
        (fields, (!misspelled).then_some(seen))
    }

    /// Reports what a new row has to give and does not; where `made`, a key that it does not give is made from its label.
    pub fn missing(&mut self, id: EntityId, span: Span, seen: &Seen<FieldIx>, filled: &Filled, made: bool) {
        let entity = self.exprs.model.entity(id);
        if filled.entities.contains(&entity.id) || entity.external {
            return; // a trigger may fill what is missing
        }
        let keyed = |at: FieldIx, field: &Field| {
            let in_key = made && entity.key.as_ref().is_some_and(|k| k.fields == [at]);
            in_key
                && matches!(&self.exprs.model.under(&field.ty).base, Base::Builtin(name) if name == "uuid")
                && field.relation.is_none()
        };
        let missing: Vec<&str> = entity
            .fields
            .iter()
            .enumerate()
            .filter(|(at, f)| {
                let fills =
                    f.default.is_some() || f.generated.is_some() || f.identity.is_some() || f.maintained.is_some();
                let domain = has_default(self.exprs.model, &f.ty.base);
                let searched =
                    entity.searches.iter().any(|s| s.field == *at) || filled.fields.contains(&(entity.id, *at));
                !f.nullable && !fills && !domain && !searched && seen.get(at).is_none() && !keyed(*at, f)
            })
            .map(|(_, f)| f.name.as_str())
            .collect();
        if !missing.is_empty() {
            let message = format!("this row of `{}` does not give {}", entity.name.name, list(&missing));
            let help = format!("add `{}: …`", missing.join(": …, "));
            self.out.push(Diagnostic::new(codes::SEED_MISSING, span, message).help(help));
        }
    }

    fn value(&mut self, entity: &Entity, at: FieldIx, raw: &RawExpr) -> Option<SeedValue> {
        let field = &entity.fields[at];
        let text = raw.text.trim();
        if let Some(kind) = text.strip_prefix("fake.") {
            return self.fake(kind, raw, text.len() - kind.len());
        }
        if let Some(rest) = text.strip_prefix("any ") {
            return self.any(entity, at, rest.trim(), raw, text.len() - rest.trim_start().len());
        }
        if let Some(inner) = call(text, "between") {
            let parts = split(inner, raw);
            let [low, high] = parts.as_slice() else {
                let message = format!("`between` takes two values and gets {}", parts.len());
                let help = "write `between(10, 500)`";
                self.out.push(Diagnostic::new(codes::SEED_VALUE, raw.at.0, message).help(help));
                return None;
            };
            return Some(SeedValue::Between(self.expr(low, &field.ty)?, self.expr(high, &field.ty)?));
        }
        if let Some(inner) = text.strip_prefix("one of").and_then(|t| call(t.trim_start(), "")) {
            let parts = split(inner, raw);
            let values: Vec<_> = parts.iter().filter_map(|p| self.expr(p, &field.ty)).collect();
            return (values.len() == parts.len() && !values.is_empty()).then_some(SeedValue::OneOf(values));
        }
        if is_word(text) && !is_value(&text.to_lowercase()) {
            return self.label(entity, at, &super::substitute::as_name(text), raw);
        }
        Some(SeedValue::Expr(self.expr(raw, &field.ty)?))
    }

    fn expr(&mut self, raw: &RawExpr, ty: &Type) -> Option<ExprRef> {
        self.exprs.seed_value(raw, ty, self.out)
    }

    fn fake(&mut self, kind: &str, raw: &RawExpr, at: usize) -> Option<SeedValue> {
        if FAKE.contains(&kind) {
            return Some(SeedValue::Fake(kind.into()));
        }
        let help = match nearest(kind, FAKE.iter().copied()) {
            Some(near) => format!("did you mean `fake.{near}`?"),
            None => format!("generators are {}", list(FAKE)),
        };
        let message = format!("unknown generator `{kind}`");
        let span = raw.at.0.slice(at, at + kind.len());
        self.out.push(Diagnostic::new(codes::SEED_GENERATOR, span, message).help(help));
        None
    }

    fn any(&mut self, entity: &Entity, at: FieldIx, name: &str, raw: &RawExpr, from: usize) -> Option<SeedValue> {
        let span = raw.at.0.slice(from, from + name.len());
        let word = |text: &str| ast::Name { text: super::substitute::as_name(text), at: ast::At(span) };
        let name = match name.split_once('.') {
            Some((schema, name)) => ast::QName { schema: Some(word(schema)), name: word(name) },
            None => ast::QName { schema: None, name: word(name) },
        };
        let target = self.project.entity(&name, self.out)?;
        self.fits(entity, at, target, span)?;
        Some(SeedValue::Any(target))
    }

    /// Whether the key of `target` can be the value of the field.
    fn fits(&mut self, entity: &Entity, at: FieldIx, target: EntityId, span: Span) -> Option<()> {
        let model = self.exprs.model;
        let field = &entity.fields[at];
        let to = model.entity(target);
        if let Some(relation) = field.relation.map(|r| model.relation(r))
            && relation.to != target
        {
            // the row may be the key of the other by way of its own reference
            let wanted = model.entity(relation.to);
            let leads = to.key.as_ref().is_some_and(|k| {
                matches!(k.fields.as_slice(), [one] if to.fields[*one].relation.is_some_and(|r| model.relation(r).to == relation.to))
            });
            if !leads {
                let message = format!("`{}` refers to `{}`, not to `{}`", field.name, wanted.name.name, to.name.name);
                let help = format!("name a row of `{}`", self.project.spell(&wanted.name));
                let found = Diagnostic::new(codes::SEED_VALUE, span, message);
                self.out.push(found.also(field.meta.span, "declared here").help(help));
                return None;
            }
        }
        Some(())
    }

    fn label(&mut self, entity: &Entity, at: FieldIx, label: &SmolStr, raw: &RawExpr) -> Option<SeedValue> {
        let model = self.exprs.model;
        let field = &entity.fields[at];
        // first among the rows that the field refers to, alone or with other columns
        let targets: Vec<EntityId> = entity
            .outgoing
            .iter()
            .map(|r| model.relation(*r))
            .filter(|r| r.fields.contains(&at))
            .map(|r| r.to)
            .collect();
        if let Some(target) = targets.iter().find(|t| self.sight.find(**t, label).is_some()) {
            return Some(SeedValue::Label { entity: *target, label: label.clone() });
        }
        let elsewhere = self.sight.entities(label);
        if let [one] = elsewhere.as_slice() {
            self.fits(entity, at, *one, raw.at.0)?;
            return Some(SeedValue::Label { entity: *one, label: label.clone() });
        }
        if let (Base::Enum(id), true) = (&model.under(&field.ty).base, elsewhere.is_empty()) {
            let labels = &model.enums[id.0 as usize].labels;
            if labels.iter().any(|l| l.name == *label) {
                let message = format!("`{label}` is a value of the enum, and values are written in quotes");
                let found = Diagnostic::new(codes::SEED_LABEL, raw.at.0, message);
                self.out.push(found.help(format!("write `'{label}'`")));
                return None;
            }
        }
        self.unknown_label(label, raw.at.0, &targets, &elsewhere, true);
        None
    }

    /// Says that a label is that of no row among those of `targets` (any, where there are none), or of several. Where a
    /// value is wanted, a text may be meant.
    pub fn unknown_label(
        &mut self,
        label: &SmolStr,
        span: Span,
        targets: &[EntityId],
        found: &[EntityId],
        value: bool,
    ) {
        let model = self.exprs.model;
        if found.len() > 1 {
            let names: Vec<String> = found.iter().map(|e| self.project.spell(&model.entity(*e).name)).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let message = format!("label `{label}` is a row of {}", list(&names));
            let found = Diagnostic::new(codes::SEED_LABEL, span, message);
            self.out.push(found.help("give one of them another label"));
            return;
        }
        let sight = self.sight;
        let known = sight.all().filter(|(e, _)| targets.is_empty() || targets.contains(e));
        let words = sorted(known.map(|(_, l)| l.as_str()));
        let help = match nearest(label, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let target = targets.first().map(|target| self.project.spell(&model.entity(*target).name));
                let row = target.map(|target| format!("declare the row: `{target} {label} {{ … }}`"));
                let text = value.then(|| format!("a text is written in quotes: `'{label}'`"));
                let none = || "give a row this label, in a seed or in `given`".to_owned();
                [row, text].into_iter().flatten().reduce(|a, b| format!("{a}; {b}")).unwrap_or_else(none)
            }
        };
        let elsewhere = sight.labels.places.iter().filter(|(env, _)| *env != sight.env && *env != "base");
        let mut other: Vec<&SmolStr> =
            elsewhere.filter(|(_, l)| l.keys().any(|(_, name)| name == label)).map(|(env, _)| env).collect();
        other.sort();
        let help = match other.first() {
            Some(env) => format!("`{label}` is in `seed {env}`, which `{}` does not see; move it to `base`", sight.env),
            None => help,
        };
        let message = format!("no row is labelled `{label}`");
        self.out.push(Diagnostic::new(codes::SEED_LABEL, span, message).help(help));
    }
}

/// What is between the parentheses of `word(…)`.
fn call<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    text.strip_prefix(word)?.trim_start().strip_prefix('(')?.strip_suffix(')')
}

pub(super) fn is_word(text: &str) -> bool {
    let mut tokens = Lexer::new(text);
    let whole = |token: Token| token.start == 0 && token.end == text.len();
    match (tokens.next(), tokens.next()) {
        (Some(Ok(token)), None) if token.kind == TokenKind::Quoted => whole(token) && text.len() > 2,
        (Some(Ok(token)), None) if token.kind == TokenKind::Word => {
            whole(token) && !text.starts_with(|c: char| c.is_numeric()) && !text.contains('$')
        }
        _ => false,
    }
}

/// The parts of a list at its own commas, each with its place.
pub(super) fn split(inner: &str, raw: &RawExpr) -> Vec<RawExpr> {
    let offset = raw.text.rfind(inner).unwrap_or(0);
    let (mut depth, mut start) = (0i32, 0);
    let mut parts = Vec::new();
    let mut push = |from: usize, to: usize| {
        let text = &inner[from..to];
        let trimmed = text.trim();
        if !trimmed.is_empty() {
            let lead = offset + from + (text.len() - text.trim_start().len());
            parts.push(RawExpr { text: trimmed.into(), at: ast::At(raw.at.0.slice(lead, lead + trimmed.len())) });
        }
    };
    for token in Lexer::new(inner).map_while(Result::ok) {
        match token.kind {
            TokenKind::Symbol(b'(' | b'[' | b'{') => depth += 1,
            TokenKind::Symbol(b')' | b']' | b'}') => depth -= 1,
            TokenKind::Symbol(b',') if depth == 0 => {
                push(start, token.start);
                start = token.end;
            }
            _ => {}
        }
    }
    push(start, inner.len());
    parts
}

/// Labelled rows that need each other. Rows are inserted whole, so a reference that may be null needs its row too; within a
/// table they may come in one statement.
pub(super) fn cycles(model: &Model, rows: &[SeedRow], out: &mut Vec<Diagnostic>) {
    let mut by_label: FxHashMap<(EntityId, &SmolStr), usize> = FxHashMap::default();
    for (at, row) in rows.iter().enumerate() {
        if let Some(label) = &row.label {
            by_label.entry((row.entity, label)).or_insert(at);
        }
    }
    let needs = |at: usize| -> Vec<usize> {
        let row = &rows[at];
        let entity = model.entity(row.entity);
        row.fields
            .iter()
            .filter(|(field, value)| {
                let deferred = entity
                    .outgoing
                    .iter()
                    .map(|r| model.relation(*r))
                    .any(|r| r.fields.contains(field) && r.options.initially_deferred);
                let own = matches!(value, SeedValue::Label { entity, .. } if *entity == row.entity);
                !(deferred || own && entity.fields[*field].nullable)
            })
            .filter_map(|(_, value)| match value {
                SeedValue::Label { entity, label } => by_label.get(&(*entity, label)).copied(),
                _ => None,
            })
            .filter(|other| *other != at)
            .collect()
    };
    // 0: not seen, 1: open, 2: done
    let mut state = vec![0u8; rows.len()];
    for start in 0..rows.len() {
        let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
        if state[start] == 0 {
            state[start] = 1;
            stack.push((start, needs(start)));
        }
        while let Some((at, rest)) = stack.last_mut() {
            let at = *at;
            match rest.pop() {
                None => {
                    state[at] = 2;
                    stack.pop();
                }
                Some(next) if state[next] == 0 => {
                    state[next] = 1;
                    stack.push((next, needs(next)));
                }
                Some(next) if state[next] == 1 => {
                    let label = |at: usize| rows[at].label.clone().unwrap_or_default();
                    let message = format!("rows `{}` and `{}` need each other", label(next), label(at));
                    let found = Diagnostic::new(codes::SEED_CYCLE, rows[at].span, message);
                    let help =
                        "make one of the references nullable and leave it out here, or `deferrable initially deferred`";
                    out.push(found.also(rows[next].span, "needs the other").help(help));
                }
                Some(_) => {}
            }
        }
    }
}
