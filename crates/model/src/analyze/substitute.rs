//! `$param` in the names and texts of a mixin's member.

use smol_str::{SmolStr, SmolStrBuilder};
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_split::{Lexer, Token, TokenKind};
use specc_syntax::ast::*;
use sqlparser::ast::Expr as Ast;

/// Parameters and their values, as written.
#[derive(Debug)]
pub(crate) struct Values {
    pub list: Vec<(SmolStr, SmolStr)>,
}

/// A copy of `member` with every `$param` filled in; unknown ones are reported.
pub(crate) fn substitute(member: &Member, values: &Values, out: &mut Vec<Diagnostic>) -> Member {
    let mut member = member.clone();
    Filler { values, out }.member(&mut member);
    member
}

/// A value where a name is needed: without its quotes.
pub(crate) fn as_name(value: &str) -> SmolStr {
    let value = value.trim();
    for (quote, doubled) in [('"', "\"\""), ('\'', "''")] {
        if value.len() >= 2 && value.starts_with(quote) && value.ends_with(quote) {
            return value[1..value.len() - 1].replace(doubled, &quote.to_string()).into();
        }
    }
    value.into()
}

/// Whether what stands around a value could take it apart: it is an expression whose outermost part is an operator.
fn is_open(value: &str) -> bool {
    let Ok(expr) = specc_expr::parse_expr(value, Span::default()) else { return false };
    !matches!(
        expr,
        Ast::Identifier(_)
            | Ast::CompoundIdentifier(_)
            | Ast::CompoundFieldAccess { .. }
            | Ast::Value(_)
            | Ast::TypedString(_)
            | Ast::Nested(_)
            | Ast::Function(_)
            | Ast::Cast { .. }
            | Ast::Case { .. }
            | Ast::Array(_)
            | Ast::Tuple(_)
            | Ast::Subquery(_)
            | Ast::Exists { .. }
    )
}

/// The parameter for which a name stands; one in quotes is a name, whatever it begins with.
fn param(name: &Name) -> Option<&str> {
    let written = name.at.0.end - name.at.0.start;
    name.text.strip_prefix('$').filter(|_| written as usize == name.text.len())
}

struct Filler<'v> {
    values: &'v Values,
    out: &'v mut Vec<Diagnostic>,
}

impl Filler<'_> {
    fn value(&self, param: &str) -> Option<&SmolStr> {
        self.values.list.iter().find(|(name, _)| name == param).map(|(_, value)| value)
    }

    fn unknown(&mut self, param: &str, span: Span) {
        let near = nearest(param, self.values.list.iter().map(|(name, _)| name.as_str()));
        let help = match near {
            Some(near) => format!("did you mean `${near}`?"),
            None => format!("add `{param}` to the mixin's parameters"),
        };
        let found = Diagnostic::new(codes::MIXIN_ARGUMENTS, span, format!("unknown parameter `${param}`"));
        self.out.push(found.help(help));
    }

    fn name(&mut self, name: &mut Name) {
        let Some(param) = param(name) else { return };
        match self.value(param) {
            Some(value) => name.text = as_name(value),
            None => {
                let param = param.to_owned();
                self.unknown(&param, name.at.0);
            }
        }
    }

    fn maybe(&mut self, name: Option<&mut Name>) {
        if let Some(name) = name {
            self.name(name);
        }
    }

    fn names(&mut self, names: &mut [Name]) {
        for name in names {
            self.name(name);
        }
    }

    fn qname(&mut self, name: &mut QName) {
        if let Some(schema) = &mut name.schema {
            self.name(schema);
        } else if let Some(value) = param(&name.name).and_then(|p| self.value(p))
            && let Some((schema, rest)) = value.split_once('.')
        {
            name.schema = Some(Name { text: as_name(schema), at: name.name.at });
            name.name.text = as_name(rest);
            return;
        }
        self.name(&mut name.name);
    }

    fn ty(&mut self, ty: &mut TypeRef) {
        let value = param(&ty.name.name).and_then(|p| self.value(p)).cloned();
        self.qname(&mut ty.name);
        let Some(value) = value else { return };
        // `varchar(120)?` and `text[]` as a value
        let mut text = value.trim();
        if let Some(rest) = text.strip_suffix('?') {
            ty.nullable = true;
            text = rest.trim_end();
        }
        while let Some(rest) = text.strip_suffix("[]") {
            ty.dims = ty.dims.saturating_add(1);
            text = rest.trim_end();
        }
        if let Some((name, args)) = text.strip_suffix(')').and_then(|t| t.split_once('(')) {
            ty.args = args.split(',').filter_map(|a| a.trim().parse().ok()).collect();
            text = name.trim_end();
        }
        ty.name.name.text = as_name(text.rsplit('.').next().unwrap_or(text));
    }

    /// Fills in what SQL reads as `$param`, and `$param` in a string; names in quotes and comments are as they are.
    fn text(&mut self, text: &mut SmolStr, span: Span, strict: bool) {
        if !text.contains('$') {
            return;
        }
        let mut filled = SmolStrBuilder::new();
        let mut last = 0;
        let mut tokens = Lexer::new(text).map_while(Result::ok).peekable();
        while let Some(token) = tokens.next() {
            let written = &text[token.start..token.end];
            match token.kind {
                TokenKind::Text => {
                    filled.push_str(&text[last..token.start]);
                    filled.push_str(&self.string(written));
                    last = token.end;
                }
                TokenKind::Symbol(b'$') => {
                    let is_next = |next: &Token| next.kind == TokenKind::Word && next.start == token.end;
                    let Some(next) = tokens.next_if(is_next) else { continue };
                    let word = &text[next.start..next.end];
                    let param = word.split('$').next().unwrap_or_default();
                    let value = self.value(param).cloned();
                    if value.is_none() && strict && param.starts_with(|c: char| c.is_ascii_alphabetic()) {
                        self.unknown(param, span);
                    }
                    let Some(value) = value else { continue };
                    filled.push_str(&text[last..token.start]);
                    let is_whole = text.trim().len() <= param.len() + 1;
                    if strict && !is_whole && is_open(&value) {
                        filled.push_str(&format!("({value})"));
                    } else {
                        filled.push_str(&value);
                    }
                    last = next.start + param.len();
                }
                _ => {}
            }
        }
        filled.push_str(&text[last..]);
        *text = filled.finish();
    }

    /// A string with every `$param` in it filled in, and still one string.
    fn string(&self, written: &str) -> String {
        let escapes = written.starts_with(['e', 'E']);
        // Between dollar signs nothing can be escaped: the tag is long enough for any name.
        let tag = written.strip_prefix('$').and_then(|rest| rest.find('$')).map_or(0, |at| at + 2);
        let (open, inner) = written.split_at(tag);
        let (inner, close) = inner.split_at(inner.len().saturating_sub(tag));
        let mut out = String::from(open);
        let mut rest = inner;
        while let Some(at) = rest.find('$') {
            let word = &rest[at + 1..];
            let len = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(word.len());
            out.push_str(&rest[..at]);
            match self.value(&word[..len]).map(|value| as_name(value)) {
                Some(value) if tag > 0 && value.contains('$') => out.push_str(&rest[at..at + 1 + len]),
                Some(value) if tag > 0 => out.push_str(&value),
                Some(value) if escapes => out.push_str(&value.replace('\\', "\\\\").replace('\'', "''")),
                Some(value) => out.push_str(&value.replace('\'', "''")),
                None => out.push_str(&rest[at..at + 1 + len]),
            }
            rest = &word[len..];
        }
        out + rest + close
    }

    fn raw(&mut self, raw: &mut RawExpr) {
        let written = raw.text.clone();
        self.text(&mut raw.text, raw.at.0, true);
        // By its length it is known that a text is not the written one (see `Span::part_of`).
        if raw.text.len() == written.len() && raw.text != written {
            raw.text = format!("{} ", raw.text).into();
        }
    }

    fn maybe_raw(&mut self, raw: Option<&mut RawExpr>) {
        if let Some(raw) = raw {
            self.raw(raw);
        }
    }

    fn literal(&mut self, literal: &mut StrLit) {
        if let Some(value) = literal.value.strip_prefix('$').and_then(|p| self.value(p)) {
            literal.value = as_name(value);
        } else {
            self.text(&mut literal.value, literal.at.0, false);
        }
    }

    fn element(&mut self, element: &mut IndexElement) {
        if element.is_column {
            // a name, and nothing else
            self.text(&mut element.expr.text, element.expr.at.0, true);
        } else {
            self.raw(&mut element.expr);
        }
    }

    fn elements(&mut self, elements: &mut [IndexElement]) {
        for element in elements {
            self.element(element);
        }
    }

    fn reference(&mut self, options: &mut RefOptions) {
        self.maybe(options.path.as_mut());
        self.maybe(options.inverse.as_mut());
        self.maybe(options.constraint.as_mut());
        for action in [&mut options.on_delete, &mut options.on_update].into_iter().flatten() {
            self.names(&mut action.columns);
        }
    }

    fn actions(&mut self, actions: &mut [PolicyAction]) {
        for action in actions {
            self.names(&mut action.columns);
        }
    }

    fn rule(&mut self, rule: &mut PolicyRule) {
        self.name(&mut rule.name);
        self.actions(&mut rule.actions);
        self.names(&mut rule.roles);
        self.maybe_raw(rule.when.as_mut());
        self.maybe_raw(rule.check.as_mut());
        self.maybe(rule.was.as_mut());
    }

    fn member(&mut self, member: &mut Member) {
        match &mut member.kind {
            MemberKind::Field(f) => {
                self.name(&mut f.name);
                self.ty(&mut f.ty);
                match &mut f.value {
                    Some(FieldValue::Default(raw)) => self.raw(raw),
                    Some(FieldValue::Maintained(m)) => {
                        self.name(&mut m.path);
                        self.maybe(m.field.as_mut());
                        self.maybe_raw(m.filter.as_mut());
                    }
                    None => {}
                }
                self.maybe_raw(f.generated.as_deref_mut());
                self.maybe(f.was.as_deref_mut());
                self.maybe_raw(f.backfill.as_deref_mut());
                self.maybe_raw(f.using.as_deref_mut());
            }
            MemberKind::Ref(r) => {
                self.name(&mut r.column);
                self.qname(&mut r.target);
                self.maybe(r.target_column.as_mut());
                self.maybe_raw(r.default.as_mut());
                self.maybe(r.was.as_mut());
                self.maybe_raw(r.backfill.as_mut());
                self.maybe_raw(r.using.as_mut());
                self.reference(&mut r.options);
            }
            MemberKind::CompositeRef(r) => {
                self.names(&mut r.columns);
                self.qname(&mut r.target);
                self.names(&mut r.target_columns);
                self.reference(&mut r.options);
            }
            MemberKind::Use(u) => {
                for mixin in &mut u.mixins {
                    for (_, value) in &mut mixin.args {
                        self.raw(value);
                    }
                }
            }
            MemberKind::Key(k) => {
                self.maybe(k.name.as_mut());
                self.names(&mut k.columns);
                self.names(&mut k.include);
            }
            MemberKind::Unique(u) => {
                self.maybe(u.name.as_mut());
                self.elements(&mut u.elements);
                self.names(&mut u.include);
                self.maybe_raw(u.filter.as_mut());
            }
            MemberKind::Check(c) => {
                self.maybe(c.name.as_mut());
                self.raw(&mut c.expr);
            }
            MemberKind::Exclude(e) => {
                self.maybe(e.name.as_mut());
                for (element, _) in &mut e.elements {
                    self.element(element);
                }
                self.maybe_raw(e.filter.as_mut());
            }
            MemberKind::Index(i) => {
                self.maybe(i.name.as_mut());
                self.elements(&mut i.elements);
                self.names(&mut i.include);
                self.maybe_raw(i.filter.as_mut());
            }
            MemberKind::Search(s) => {
                self.maybe(s.column.as_mut());
                for (field, _) in &mut s.fields {
                    self.name(field);
                }
                self.maybe(s.config.as_mut());
            }
            MemberKind::PartitionBy(p) => self.elements(&mut p.elements),
            MemberKind::Partition(p) => {
                self.qname(&mut p.name);
                match &mut p.bounds {
                    PartitionBounds::Range { from, to } => from.iter_mut().chain(to).for_each(|e| self.raw(e)),
                    PartitionBounds::List(list) => list.iter_mut().for_each(|e| self.raw(e)),
                    PartitionBounds::Hash { .. } | PartitionBounds::Default => {}
                }
            }
            MemberKind::Workflow(w) => {
                self.name(&mut w.field);
                for step in &mut w.steps {
                    self.names(&mut step.from);
                    self.names(&mut step.to);
                    self.maybe_raw(step.when.as_mut());
                }
            }
            MemberKind::Limit(l) => {
                self.name(&mut l.name);
                self.raw(&mut l.condition);
                self.names(&mut l.per);
                self.raw(&mut l.to);
                for (column, value) in &mut l.overflow {
                    self.name(column);
                    self.raw(value);
                }
                self.elements(&mut l.promote_by);
            }
            MemberKind::Trigger(t) => {
                self.name(&mut t.name);
                for event in &mut t.events {
                    self.names(&mut event.columns);
                }
                self.maybe_raw(t.when.as_mut());
                match &mut t.action {
                    TriggerAction::Execute { function, args } => {
                        self.qname(function);
                        args.iter_mut().for_each(|a| self.literal(a));
                    }
                    TriggerAction::Body(body) => self.text(&mut body.text, body.at.0, false),
                }
                self.maybe(t.was.as_mut());
            }
            MemberKind::Policy(rules) => rules.iter_mut().for_each(|r| self.rule(r)),
            MemberKind::Promise(promise) => promise.lines.iter_mut().for_each(|line| {
                self.actions(&mut line.actions);
                self.names(&mut line.roles);
                self.maybe_raw(line.when.as_mut());
                self.maybe_raw(line.becoming.as_mut());
            }),
            MemberKind::Depends(list) => list.iter_mut().for_each(|(_, name)| self.qname(name)),
            MemberKind::Inherits(list) => list.iter_mut().for_each(|name| self.qname(name)),
            MemberKind::Distribute(d) => self.maybe(d.by.as_mut().map(|(column, _)| column)),
            MemberKind::Retain(retain) => self.maybe(retain.from.as_mut()),
            MemberKind::ReplicaIdentity(ReplicaIdentity::Index(name)) => self.name(name),
            MemberKind::Rls(_) | MemberKind::With(_) | MemberKind::ReplicaIdentity(ReplicaIdentity::Word(_)) => {}
        }
    }
}
