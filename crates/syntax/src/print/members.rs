//! Members of an entity or mixin.

use super::text::*;
use super::{Align, Cells, Line, Printer, WIDTH};
use crate::ast::*;

/// Members that belong together; without a source a blank line stands between groups.
fn group(kind: &MemberKind) -> u8 {
    match kind {
        MemberKind::Field(_) | MemberKind::Ref(_) => 0,
        MemberKind::Use(_) => 1,
        MemberKind::Workflow(_) => 3,
        MemberKind::Limit(_) => 4,
        MemberKind::Trigger(_) => 5,
        MemberKind::Policy(_) | MemberKind::Promise(_) => 6,
        MemberKind::Partition(_) | MemberKind::PartitionBy(_) => 7,
        _ => 2,
    }
}

/// `{ key: type, other: { inner: type }[]? }`
fn shape_keys(keys: &[ShapeKey]) -> String {
    let one = |key: &ShapeKey| {
        let value = match &key.value {
            ShapeValue::Type(ty) => type_ref(ty),
            ShapeValue::Object { keys, dims, nullable } => {
                let optional = if *nullable { "?" } else { "" };
                format!("{}{}{optional}", shape_keys(keys), "[]".repeat(usize::from(*dims)))
            }
        };
        format!("{}: {value}", name(&key.name))
    };
    if keys.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", join(keys, one)) }
}

impl Printer<'_> {
    pub(super) fn members(&mut self, members: &[Member]) -> String {
        self.block(|p, lines| {
            let mut before = None;
            for member in members {
                let own = group(&member.kind);
                if p.source.is_none() && before.is_some_and(|b| b != own || (3..7).contains(&own)) {
                    lines.push(Line::Blank);
                }
                before = Some(own);
                p.entry(lines, member.at, &member.doc, |p| p.member(&member.kind));
            }
        })
    }

    fn member(&mut self, kind: &MemberKind) -> Cells {
        match kind {
            MemberKind::Field(f) => self.field(f),
            MemberKind::Ref(r) => self.reference(r),
            MemberKind::CompositeRef(r) => {
                let target = if r.target_columns.is_empty() {
                    String::new()
                } else {
                    format!(" {}", columns(&r.target_columns))
                };
                let options = ref_options(&r.options).into_iter().fold(String::new(), |out, o| out + " " + &o);
                format!("reference {} -> {}{target}{options}", columns(&r.columns), qname(&r.target)).into()
            }
            MemberKind::Use(u) => {
                let mixins = join(&u.mixins, |m| {
                    let args = join(&m.args, |(n, e)| {
                        n.as_ref().map_or(String::new(), |n| format!("{} = ", name(n))) + &self.expr(e)
                    });
                    if m.args.is_empty() { name(&m.name) } else { format!("{}({args})", name(&m.name)) }
                });
                format!("use {mixins}").into()
            }
            MemberKind::Key(k) => {
                let mut out = format!("key {}{}", named(&k.name), columns(&k.columns));
                include(&mut out, &k.include);
                deferral(&mut out, k.deferrable, k.initially_deferred);
                out.into()
            }
            MemberKind::Unique(u) => self.unique(u).into(),
            MemberKind::Check(c) => self.check(c),
            MemberKind::Exclude(e) => self.exclude(e).into(),
            MemberKind::Index(i) => self.index(i).into(),
            MemberKind::Search(s) => {
                let fields = join(&s.fields, |(n, weight)| {
                    name(n) + &weight.as_ref().map_or(String::new(), |w| format!(" {}", w.text))
                });
                let config = s.config.as_ref().map_or(String::new(), |c| format!(" using {}", name(c)));
                format!("search {}({fields}){config}", named(&s.column)).into()
            }
            MemberKind::PartitionBy(p) => {
                let rolls = p.rolls.as_ref().map_or(String::new(), super::classes::rolls);
                format!("partition by {} ({}){rolls}", p.method.text, self.elements(&p.elements)).into()
            }
            MemberKind::Partition(p) => {
                let bounds = match &p.bounds {
                    PartitionBounds::Range { from, to } => {
                        format!("from ({}) to ({})", self.exprs(from), self.exprs(to))
                    }
                    PartitionBounds::List(values) => format!("in ({})", self.exprs(values)),
                    PartitionBounds::Hash { modulus, remainder } => format!("modulus {modulus} remainder {remainder}"),
                    PartitionBounds::Default => "default".to_owned(),
                };
                let rls = p.rls.as_ref().map_or(String::new(), |how| format!(" rls {}", how.text));
                let with = if p.with.is_empty() { String::new() } else { format!(" {}", settings(&p.with)) };
                format!("partition {} {bounds}{rls}{with}", qname(&p.name)).into()
            }
            MemberKind::Workflow(w) => self.workflow(w).into(),
            MemberKind::Limit(l) => self.limit(l).into(),
            MemberKind::Trigger(t) => self.trigger(t).into(),
            MemberKind::Policy(rules) => format!("policy {}", self.rules(rules)).into(),
            MemberKind::Promise(promise) => self.promise(promise).into(),
            MemberKind::Rls(how) => format!("rls {}", how.text).into(),
            MemberKind::With(list) => settings(list).into(),
            MemberKind::Depends(list) => super::items::depends(list).into(),
            MemberKind::Inherits(list) => format!("inherits {}", qnames(list)).into(),
            MemberKind::Distribute(d) => super::classes::distribute(d).into(),
            MemberKind::Retain(r) => super::classes::retain(r).into(),
            MemberKind::ReplicaIdentity(ReplicaIdentity::Word(how)) => format!("replica identity {}", name(how)).into(),
            MemberKind::ReplicaIdentity(ReplicaIdentity::Index(index)) => {
                format!("replica identity using index {}", name(index)).into()
            }
        }
    }

    fn field(&mut self, f: &FieldDecl) -> Cells {
        let value = match &f.value {
            None => String::new(),
            Some(FieldValue::Default(e)) => format!(" = {}", self.expr(e)),
            Some(FieldValue::Maintained(m)) => {
                let field = m.field.as_ref().map_or(String::new(), |n| format!(".{}", name(n)));
                let filter = m.filter.as_ref().map_or(String::new(), |e| format!(" where {}", self.expr(e)));
                let all = if m.including_deleted { " including deleted" } else { "" };
                format!(" = {}({}{field}{all}{filter})", m.function.text, name(&m.path))
            }
        };
        let mut rest = Vec::new();
        rest.extend(f.key.then(|| "key".to_owned()));
        rest.extend(f.unique.then(|| "unique".to_owned()));
        let how = if f.is_virtual { "virtual " } else { "" };
        rest.extend(f.generated.as_ref().map(|e| format!("generated {how}{}", self.in_brackets(e))));
        rest.extend(f.identity.as_deref().map(identity));
        rest.extend(f.collate.as_ref().map(|c| format!("collate {}", collation_name(c))));
        rest.extend(f.immutable.then(|| "immutable".to_owned()));
        rest.extend(f.class.map(|class| class.word().to_owned()));
        rest.extend(f.storage.as_ref().map(|s| format!("storage {}", name(s))));
        rest.extend(f.compression.as_ref().map(|c| format!("compression {}", name(c))));
        rest.extend(f.statistics.as_deref().map(statistics));
        rest.extend(f.shape.as_ref().map(|shape| format!("shape {}", shape_keys(&shape.keys))));
        self.history(&mut rest, f.was.as_deref(), &f.deprecated, f.backfill.as_deref());
        rest.extend(f.using.as_ref().map(|e| format!("using {}", self.in_brackets(e))));
        Cells(Align::Column, vec![format!("{}:", name(&f.name)), format!("{}{value}", type_ref(&f.ty)), rest.join(" ")])
    }

    fn history(
        &mut self,
        rest: &mut Vec<String>,
        was: Option<&Name>,
        deprecated: &Option<smol_str::SmolStr>,
        backfill: Option<&RawExpr>,
    ) {
        rest.extend(was.map(|w| format!("was {}", name(w))));
        rest.extend(
            deprecated.as_ref().map(|why| {
                if why.is_empty() { "deprecated".to_owned() } else { format!("deprecated {}", string(why)) }
            }),
        );
        rest.extend(backfill.map(|e| format!("backfill {}", self.in_brackets(e))));
    }

    fn reference(&mut self, r: &RefDecl) -> Cells {
        let optional = if r.nullable { "?" } else { "" };
        let column = r.target_column.as_ref().map_or(String::new(), |c| format!(" ({})", name(c)));
        let default = r.default.as_ref().map_or(String::new(), |e| format!(" = {}", self.expr(e)));
        let mut rest = Vec::new();
        rest.extend(r.key.then(|| "key".to_owned()));
        rest.extend(r.unique.then(|| "unique".to_owned()));
        rest.extend(ref_options(&r.options));
        rest.extend(r.immutable.then(|| "immutable".to_owned()));
        self.history(&mut rest, r.was.as_ref(), &r.deprecated, r.backfill.as_ref());
        rest.extend(r.using.as_ref().map(|e| format!("using {}", self.in_brackets(e))));
        let target = format!("-> {}{optional}{column}{default}", qname(&r.target));
        Cells(Align::Column, vec![name(&r.column), target, rest.join(" ")])
    }

    fn unique(&mut self, u: &UniqueDecl) -> String {
        let mut out = format!("unique {}({})", named(&u.name), self.elements(&u.elements));
        if u.nulls_not_distinct {
            out.push_str(" nulls not distinct");
        }
        include(&mut out, &u.include);
        deferral(&mut out, u.deferrable, u.initially_deferred);
        self.filter(&mut out, &u.filter);
        out
    }

    fn filter(&mut self, out: &mut String, filter: &Option<RawExpr>) {
        if let Some(filter) = filter {
            out.push_str(" where ");
            out.push_str(&self.expr(filter));
        }
    }

    pub(super) fn check(&mut self, c: &CheckDecl) -> Cells {
        match &c.name {
            Some(n) => Cells(Align::Check, vec![format!("check {}:", name(n)), self.check_expr(c)]),
            None => self.check_text(c).into(),
        }
    }

    fn check_expr(&mut self, c: &CheckDecl) -> String {
        let mut expr = self.expr(&c.expr);
        if c.no_inherit {
            expr.push_str(" no inherit");
        }
        if c.not_valid {
            expr.push_str(" not valid");
        }
        expr
    }

    pub(super) fn check_text(&mut self, c: &CheckDecl) -> String {
        format!("check {}{}", named(&c.name), self.check_expr(c))
    }

    fn exclude(&mut self, e: &ExcludeDecl) -> String {
        let method = e.method.as_ref().map_or(String::new(), |m| format!("using {} ", name(m)));
        let elements = join(&e.elements, |(element, operator)| format!("{} with {operator}", self.element(element)));
        let mut out = format!("exclude {}{method}({elements})", named(&e.name));
        deferral(&mut out, e.deferrable, e.initially_deferred);
        self.filter(&mut out, &e.filter);
        out
    }

    pub(super) fn index(&mut self, i: &IndexDecl) -> String {
        let unique = if i.unique { "unique " } else { "" };
        let mut out = format!("{unique}index {}({})", named(&i.name), self.elements(&i.elements));
        if let Some(method) = &i.method {
            out.push_str(&format!(" using {}", name(method)));
        }
        include(&mut out, &i.include);
        if i.nulls_not_distinct {
            out.push_str(" nulls not distinct");
        }
        if !i.with.is_empty() {
            out.push_str(&format!(" {}", settings(&i.with)));
        }
        self.filter(&mut out, &i.filter);
        out.push_str(&was(&i.was));
        out
    }

    fn workflow(&mut self, w: &WorkflowDecl) -> String {
        let block = self.block(|p, lines| {
            for step in &w.steps {
                p.entry(lines, step.at, &step.doc, |p| {
                    let when = step.when.as_ref().map_or(String::new(), |e| format!("when {}", p.expr(e)));
                    let to = format!("-> {}", join(&step.to, label));
                    if step.from.is_empty() {
                        let text = format!("{to} {when}");
                        return text.trim_end().to_owned().into();
                    }
                    let from = line_start(label(&step.from[0]), '\'');
                    let more = step.from[1..].iter().fold(from, |out, name| out + ", " + &label(name));
                    Cells(Align::Step, vec![more, to, when])
                });
            }
        });
        format!("workflow {} {block}", name(&w.field))
    }

    fn limit(&mut self, l: &LimitDecl) -> String {
        let condition = self.expr(&l.condition);
        let per = if l.per.is_empty() { String::new() } else { format!(" per {}", names(&l.per)) };
        let head = format!("limit {}: {condition}{per} to {}", name(&l.name), self.expr(&l.to));
        let mut over = String::new();
        if !l.overflow.is_empty() {
            over = format!("else {}", join(&l.overflow, |(n, e)| format!("{} = {}", name(n), self.expr(e))));
        }
        if !l.promote_by.is_empty() {
            let gap = if over.is_empty() { "" } else { " " };
            over.push_str(&format!("{gap}promote by {}", self.elements(&l.promote_by)));
        }
        if over.is_empty() {
            return head;
        }
        if head.chars().count() + over.chars().count() + 1 + self.depth * 2 <= WIDTH {
            return format!("{head} {over}");
        }
        format!("{head}\n{}{over}", " ".repeat(self.depth * 2 + 6))
    }
}

fn identity(i: &Identity) -> String {
    let how = if i.always { "identity" } else { "identity by default" };
    if i.options.is_empty() {
        return how.to_owned();
    }
    let options: Vec<String> = i.options.iter().map(counting).collect();
    format!("{how} ({})", options.join(" "))
}

/// `name: ` or nothing.
fn statistics(said: &StatisticsDecl) -> String {
    let parts = [("target", &said.target), ("n_distinct", &said.distinct), ("n_distinct_inherited", &said.inherited)];
    let said = parts.iter().filter_map(|(word, amount)| Some(format!("{word} {}", amount.as_ref()?.text)));
    format!("statistics ({})", said.collect::<Vec<_>>().join(", "))
}

fn named(n: &Option<Name>) -> String {
    n.as_ref().map_or(String::new(), |n| format!("{}: ", name(n)))
}

fn include(out: &mut String, list: &[Name]) {
    if !list.is_empty() {
        out.push_str(&format!(" include {}", columns(list)));
    }
}

fn deferral(out: &mut String, deferrable: bool, initially_deferred: bool) {
    match (deferrable, initially_deferred) {
        (_, true) => out.push_str(" deferrable initially deferred"),
        (true, false) => out.push_str(" deferrable"),
        _ => {}
    }
}

fn ref_action(a: &RefAction) -> String {
    let kind = match a.kind {
        RefActionKind::NoAction => "no action",
        RefActionKind::Restrict => "restrict",
        RefActionKind::Cascade => "cascade",
        RefActionKind::SetNull => "set null",
        RefActionKind::SetDefault => "set default",
    };
    if a.columns.is_empty() { kind.to_owned() } else { format!("{kind} {}", columns(&a.columns)) }
}

fn ref_options(o: &RefOptions) -> Vec<String> {
    let mut out = Vec::new();
    out.extend(o.path.as_ref().map(|n| format!("as {}", name(n))));
    out.extend(o.inverse.as_ref().map(|n| format!("inverse {}", name(n))));
    out.extend(o.on_delete.as_ref().map(|a| format!("on delete {}", ref_action(a))));
    out.extend(o.on_update.as_ref().map(|a| format!("on update {}", ref_action(a))));
    out.extend(o.match_full.then(|| "match full".to_owned()));
    let mut deferred = String::new();
    deferral(&mut deferred, o.deferrable, o.initially_deferred);
    if !deferred.is_empty() {
        out.push(deferred.trim_start().to_owned());
    }
    out.extend(o.no_index.then(|| "no index".to_owned()));
    out.extend(o.not_valid.then(|| "not valid".to_owned()));
    out.extend(o.constraint.as_ref().map(|n| format!("constraint {}", name(n))));
    out
}
