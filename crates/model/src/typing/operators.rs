//! Operators and what is written like one.

use super::expr::Checker;
use super::kinds::{Key, Ty, builtin, coerces, key};
use super::resolve::{Outcome, literal_type, resolve, volatility};
use crate::types::*;
use specc_diag::{Diagnostic, codes, nearest};
use specc_facts::{Context, FieldUse, Variant, Volatility};
use sqlparser::ast::{BinaryOperator, DateTimeField, Expr as Ast, Query, UnaryOperator, Value};

/// An operand with its type.
pub(crate) type Operand<'e> = (&'e Ast, &'e Ty);

fn is_null(ast: &Ast) -> bool {
    match ast {
        Ast::Nested(inner) => is_null(inner),
        Ast::Value(v) => v.value == Value::Null,
        _ => false,
    }
}

fn is_comparison(name: &str) -> bool {
    matches!(name, "=" | "<>" | "<" | "<=" | ">" | ">=")
}

impl Checker<'_> {
    pub(crate) fn binary(&mut self, ast: &Ast, left: &Ast, op: &BinaryOperator, right: &Ast) -> Ty {
        match op {
            BinaryOperator::And | BinaryOperator::Or => return self.junction(left, right),
            BinaryOperator::Overlaps => {
                self.expr(left);
                self.expr(right);
                return Ty::builtin("boolean");
            }
            _ => {}
        }
        let name = match op {
            BinaryOperator::PGCustomBinaryOperator(parts) => parts.last().cloned().unwrap_or_default(),
            op => op.to_string(),
        };
        if is_comparison(&name) && (is_null(left) || is_null(right)) {
            let (value, null) = if is_null(right) { (left, right) } else { (right, left) };
            self.expr(value);
            let is = if name == "<>" { "is not null" } else { "is null" };
            let help = format!("write `{} {is}`", self.written(value));
            let message = format!("`{name} null` is never true");
            let span = self.span(ast);
            let _ = null;
            self.out.push(Diagnostic::new(codes::NULL_COMPARISON, span, message).help(help));
            return Ty::builtin("boolean");
        }
        if let (Ast::Tuple(a), Ast::Tuple(b)) = (left, right) {
            if a.len() == b.len() && is_comparison(&name) {
                for (x, y) in a.iter().zip(b) {
                    let (tx, ty) = (self.expr(x), self.expr(y));
                    if name == "=" {
                        self.same_row(ast, x, y);
                    }
                    self.compare(ast, &name, (x, &tx), (y, &ty));
                }
            }
            return Ty::builtin("boolean");
        }
        let (a, b) = (self.expr(left), self.expr(right));
        if matches!(left, Ast::Tuple(_)) || matches!(right, Ast::Tuple(_)) {
            return if is_comparison(&name) { Ty::builtin("boolean") } else { Ty::Opaque };
        }
        if is_comparison(&name) && !self.same_sides(ast, left, right) && name == "=" {
            self.same_row(ast, left, right);
        }
        self.operate(ast, &name, (left, &a), (right, &b))
    }

    /// `and` and `or` come in long chains.
    fn junction(&mut self, left: &Ast, right: &Ast) -> Ty {
        let mut operands = vec![right];
        let mut head = left;
        while let Ast::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } = head {
            operands.push(right);
            head = left;
        }
        operands.push(head);
        for operand in operands.into_iter().rev() {
            let ty = self.expr(operand);
            self.condition(operand, &ty);
        }
        Ty::builtin("boolean")
    }

    pub(crate) fn unary(&mut self, ast: &Ast, op: &UnaryOperator, inner: &Ast) -> Ty {
        let ty = self.expr(inner);
        if *op == UnaryOperator::Not {
            self.condition(inner, &ty);
            return Ty::builtin("boolean");
        }
        if ty == Ty::Literal {
            return Ty::Opaque;
        }
        let name = op.to_string();
        let variants = specc_facts::operators(&name).iter().filter(|v| v.args.len() == 1);
        match resolve(self.model, variants, std::slice::from_ref(&ty), true) {
            Outcome::One(_, ty) | Outcome::Several(_, ty) => ty,
            Outcome::None => {
                if let Ty::Known(found) = &ty {
                    let message = format!("`{name}` does not take `{}`", self.describe(found));
                    self.report(codes::TYPE_MISMATCH, ast, message, None);
                }
                Ty::Opaque
            }
        }
    }

    /// Two operands of a comparison; what does not compare is reported at `ast`.
    pub(crate) fn compare(&mut self, ast: &Ast, name: &str, left: Operand<'_>, right: Operand<'_>) {
        if !matches!(left.0, Ast::Tuple(_)) && !matches!(right.0, Ast::Tuple(_)) {
            self.operate(ast, name, left, right);
        }
    }

    /// `left name right`
    pub(crate) fn operate(&mut self, ast: &Ast, name: &str, left: Operand<'_>, right: Operand<'_>) -> Ty {
        let all = specc_facts::operators(name);
        if all.is_empty() {
            return Ty::Opaque;
        }
        let args = [left.1.clone(), right.1.clone()];
        let here = |v: &&Variant| v.args.len() == 2 && self.typing.has_extension(v.extension);
        let variants: Vec<&Variant> = all.iter().filter(here).collect();
        match resolve(self.model, variants.into_iter(), &args, true) {
            Outcome::One(v, ty) => {
                for (i, (operand, found)) in [left, right].into_iter().enumerate() {
                    if *found == Ty::Literal
                        && let Some(wanted) = literal_type(self.model, v, &args, i)
                    {
                        // An enum or a domain beside it says more than the operator's parameter.
                        let beside = match [right, left][i].1 {
                            Ty::Known(t) if is_comparison(name) => t.clone(),
                            _ => wanted,
                        };
                        self.literal(operand, found, &beside, codes::TYPE_MISMATCH);
                    }
                }
                if volatility(self.model, v, &args) != Volatility::Immutable {
                    let shown = format!("`{name}` between {} depends on settings", self.pair(left.1, right.1, "and"));
                    self.not_immutable(ast, shown, None);
                }
                ty
            }
            Outcome::Several(_, ty) => ty,
            Outcome::None => {
                let elsewhere = all.iter().filter(|v| v.args.len() == 2);
                match resolve(self.model, elsewhere, &args, true) {
                    Outcome::None => self.mismatch(ast, name, left, right),
                    Outcome::One(v, ty) => {
                        let message =
                            format!("`{name}` comes from the extension `{}`, which is not declared", v.extension);
                        let help = format!("add `extension {}` to one of the files", v.extension);
                        self.report(codes::UNKNOWN_EXTENSION, ast, message, Some(help));
                        return ty;
                    }
                    Outcome::Several(_, ty) => return ty,
                }
                if is_comparison(name) || name.contains('~') { Ty::builtin("boolean") } else { Ty::Opaque }
            }
        }
    }

    fn pair(&self, a: &Ty, b: &Ty, word: &str) -> String {
        let one = |t: &Ty| match t {
            Ty::Known(t) => format!("`{}`", self.describe(t)),
            _ => "a literal".to_owned(),
        };
        format!("{} {word} {}", one(a), one(b))
    }

    fn mismatch(&mut self, ast: &Ast, name: &str, left: Operand<'_>, right: Operand<'_>) {
        // `n > 0 && n < 5` is read as `n > (0 && n) < 5`: what is wrong is said at `&&`
        if is_comparison(name) && [left.0, right.0].into_iter().any(takes_in_overlap) {
            return;
        }
        let (a, b) = match (left.1, right.1) {
            (Ty::Known(a), Ty::Known(b)) => (a.clone(), b.clone()),
            (Ty::Known(t), _) | (_, Ty::Known(t)) => {
                let message = format!("`{name}` does not take `{}`", self.describe(t));
                let help = match (name, key(self.model, t)) {
                    ("+" | "-", Key::Table(s)) if s.name == "text" => Some("texts are joined with `||`".to_owned()),
                    (op, k) if op.contains('~') && !matches!(k, Key::Other) => {
                        let operand = if matches!(left.1, Ty::Known(_)) { left.0 } else { right.0 };
                        Some(format!("write `{}::text`", self.operand(operand)))
                    }
                    _ => None,
                };
                return self.report(codes::TYPE_MISMATCH, ast, message, help);
            }
            _ => return,
        };
        let message = if is_comparison(name) {
            format!("`{name}` does not compare `{}` with `{}`", self.describe(&a), self.describe(&b))
        } else {
            format!("`{name}` does not take `{}` and `{}`", self.describe(&a), self.describe(&b))
        };
        let help = advice(self, name, (left.0, &a), (right.0, &b));
        let diagnostic = Diagnostic::new(codes::TYPE_MISMATCH, self.span(left.0), message)
            .label(format!("`{}`", self.describe(&a)))
            .also(self.span(right.0), format!("`{}`", self.describe(&b)))
            .maybe_help(help);
        self.out.push(diagnostic);
    }

    /// The author's text of an operand, in parentheses where a cast would take only its end.
    pub(crate) fn operand(&self, ast: &Ast) -> String {
        let written = self.written(ast);
        match ast {
            Ast::Identifier(_)
            | Ast::CompoundIdentifier(_)
            | Ast::Value(_)
            | Ast::Nested(_)
            | Ast::Function(_)
            | Ast::Subquery(_)
            | Ast::Cast { .. } => written,
            _ => format!("({written})"),
        }
    }

    pub(crate) fn in_list(&mut self, value: &Ast, list: &[Ast]) -> Ty {
        let ty = self.expr(value);
        for item in list {
            let found = self.expr(item);
            self.compare(item, "=", (value, &ty), (item, &found));
            if !self.same_sides(item, value, item) {
                self.same_row(item, value, item);
            }
        }
        Ty::builtin("boolean")
    }

    pub(crate) fn in_subquery(&mut self, ast: &Ast, value: &Ast, query: &Query) -> Ty {
        let ty = self.expr(value);
        let columns = self.subquery(ast, query);
        if let Some(columns) = columns
            && !matches!(value, Ast::Tuple(_))
        {
            match &columns[..] {
                [(_, found)] => self.compare(ast, "=", (value, &ty), (ast, &found.clone())),
                [] => {}
                more if !matches!(ty, Ty::Known(Type { base: Base::Row(_) | Base::Composite(_), .. })) => {
                    let message = format!("the subquery gives {} columns, and `in` compares one", more.len());
                    self.report(codes::TYPE_MISMATCH, ast, message, Some("select the one column that is meant".into()));
                }
                _ => {}
            }
        }
        Ty::builtin("boolean")
    }

    pub(crate) fn between(&mut self, value: &Ast, low: &Ast, high: &Ast) -> Ty {
        let ty = self.expr(value);
        for (bound, op) in [(low, ">="), (high, "<=")] {
            let bound = if let Ast::Prefixed { value, .. } = bound { value } else { bound };
            if is_null(bound) {
                continue;
            }
            let found = self.expr(bound);
            self.compare(bound, op, (value, &ty), (bound, &found));
        }
        Ty::builtin("boolean")
    }

    pub(crate) fn like(&mut self, value: &Ast, pattern: &Ast, quantified: bool) -> Ty {
        let ty = self.expr(value);
        let found = self.expr(pattern);
        if let Ty::Known(t) = &ty
            && !quantified
        {
            let bytes = matches!(key(self.model, t), Key::Table(s) if s.name == "bytea");
            let text = Ty::builtin("text");
            let against = if bytes || matches!(found, Ty::Known(_) | Ty::Opaque) { found } else { text };
            let variants = specc_facts::operators("~~").iter().filter(|v| v.args.len() == 2);
            if let Outcome::None = resolve(self.model, variants, &[ty.clone(), against], true) {
                let message = format!("`like` reads text, and `{}` is `{}`", self.written(value), self.describe(t));
                let help = format!("write `{}::text`", self.operand(value));
                self.report(codes::TYPE_MISMATCH, value, message, Some(help));
            }
        }
        Ty::builtin("boolean")
    }

    pub(crate) fn any_all(&mut self, ast: &Ast, left: &Ast, op: &BinaryOperator, right: &Ast) -> Ty {
        let ty = self.expr(left);
        let name = op.to_string();
        let inner = if let Ast::Nested(inner) = right { inner } else { right };
        if let Ast::Subquery(query) = inner {
            if let Some(columns) = self.subquery(ast, query)
                && let [(_, found)] = &columns[..]
            {
                self.compare(ast, &name, (left, &ty), (right, &found.clone()));
            }
            return Ty::builtin("boolean");
        }
        let found = self.expr(right);
        if name == "=" {
            self.same_row(ast, left, right);
        }
        match &found {
            Ty::Literal => {
                if let Ty::Known(t) = &ty
                    && t.dims == 0
                    && is_comparison(&name)
                {
                    let array = Type { dims: 1, args: Vec::new(), ..t.clone() };
                    self.literal(inner, &found, &array, codes::TYPE_MISMATCH);
                }
            }
            Ty::Known(t) => {
                let k = key(self.model, t);
                if k.is_array() || matches!(k, Key::Other) || k.category() == b'A' {
                    let element = self.element(&found);
                    self.compare(ast, &name, (left, &ty), (right, &element));
                } else {
                    let message = format!(
                        "`any` and `all` need an array, and `{}` is `{}`",
                        self.written(right),
                        self.describe(t)
                    );
                    self.report(
                        codes::TYPE_MISMATCH,
                        right,
                        message,
                        Some("write `in (…)` for a list of values".into()),
                    );
                }
            }
            Ty::Opaque => {}
        }
        Ty::builtin("boolean")
    }

    /// Says where `extract` asks for a field that nothing has.
    pub(crate) fn field(&mut self, field: &DateTimeField, of: &Ast) {
        let name = match field {
            DateTimeField::Custom(ident) => ident.value.to_lowercase(),
            other => other.to_string().to_lowercase(),
        };
        if !specc_facts::is_field(&name, None, FieldUse::Extract) {
            let near = nearest(&name, specc_facts::field_names());
            let help = near.map_or_else(
                || "write one such as `year`, `month`, `day`".to_owned(),
                |n| format!("did you mean `{n}`?"),
            );
            self.report(codes::UNKNOWN_WORD, of, format!("a moment has no `{name}`"), Some(help));
        }
    }

    pub(crate) fn at_time_zone(&mut self, ast: &Ast, moment: &Ast, zone: &Ast) -> Ty {
        if let Ast::Value(value) = zone
            && let Value::SingleQuotedString(name) = &value.value
            && let Some(meant) = specc_facts::zone_meant(name)
        {
            let message = format!("there is no time zone `{name}`");
            self.report(codes::UNKNOWN_WORD, zone, message, Some(format!("did you mean `{meant}`?")));
        }
        let args = [self.expr(zone), self.expr(moment)];
        match resolve(self.model, specc_facts::functions("timezone").iter(), &args, false) {
            Outcome::One(v, ty) => {
                // a date becomes a timestamptz by the session's zone
                let date = matches!(&args[1], Ty::Known(t) if t.base == Base::Builtin("date".into()));
                if v.volatility != Volatility::Immutable || date {
                    self.not_immutable(ast, "`at time zone` here depends on the session's time zone".into(), None);
                }
                ty
            }
            Outcome::Several(_, ty) => ty,
            Outcome::None => {
                if let Ty::Known(t) = &args[1] {
                    let message = format!("`at time zone` does not take `{}`", self.describe(t));
                    let help = "it takes a `timestamptz` or a `timestamp`";
                    self.report(codes::TYPE_MISMATCH, moment, message, Some(help.into()));
                }
                Ty::Opaque
            }
        }
    }
}

/// How to make two parts one type: a cast of one of them.
pub(crate) fn cast_help(checker: &Checker<'_>, left: (&Ast, &Type), right: (&Ast, &Type)) -> Option<String> {
    advice(checker, "", left, right)
}

/// Whether a comparison has an operand that `&&` took from a condition beside it.
fn takes_in_overlap(ast: &Ast) -> bool {
    match ast {
        Ast::BinaryOp { op: BinaryOperator::PGOverlap, .. } => true,
        Ast::BinaryOp { left, right, .. } => takes_in_overlap(left) || takes_in_overlap(right),
        _ => false,
    }
}

fn advice(checker: &Checker<'_>, op: &str, left: (&Ast, &Type), right: (&Ast, &Type)) -> Option<String> {
    let model = checker.model;
    let (a, b) = (key(model, left.1), key(model, right.1));
    let named = |k: Key, name: &str| matches!(k, Key::Table(s) if s.name == name && !s.array);
    let text = |k: Key| matches!(k, Key::Table(s) if !s.array) && k.category() == b'S';
    let cast = |ast: &Ast, to: &Type| {
        let bare = Type { args: Vec::new(), ..to.clone() };
        Some(format!("write `{}::{}`", checker.operand(ast), checker.describe(&bare)))
    };
    let number = |ast: &Ast| matches!(ast, Ast::Value(v) if matches!(v.value, Value::Number(..)));
    match (a, b) {
        (x, y) if op == "&&" && ![x, y].iter().any(|k| k.is_array() || b"RGI".contains(&k.category())) => {
            Some("conditions are joined with `and`; `&&` asks whether two arrays or ranges overlap".into())
        }
        _ if op == "||" && named(a, "boolean") && named(b, "boolean") => Some("write `or`".into()),
        _ if op == "+" && text(a) && (text(b) || number(right.0)) => Some("texts are joined with `||`".into()),
        (x, y) if named(x, "boolean") && number(right.0) && y.category() == b'N' => {
            let truth = if checker.written(right.0) == "0" { "false" } else { "true" };
            Some(format!("write `{truth}`"))
        }
        (x, _) if text(x) && number(right.0) => Some(format!("write `'{}'`", checker.written(right.0))),
        (x, y) if matches!(op, "+" | "-") && x.category() == b'D' && y.category() == b'N' => Some(format!(
            "write `{op} interval '{} days'`",
            if number(right.0) { checker.written(right.0) } else { "1".into() }
        )),
        (Key::Enum(x, false), Key::Enum(y, false)) if x != y => Some(format!(
            "write `{}::text {} {}::text`",
            checker.operand(left.0),
            if op.is_empty() { "=" } else { op },
            checker.operand(right.0)
        )),
        (Key::Enum(..), y) if text(y) => cast(left.0, &builtin("text")),
        (x, Key::Enum(..)) if text(x) => cast(right.0, &builtin("text")),
        (x, y) if x.is_array() && !y.is_array() && op == "=" => {
            Some(format!("write `{} = any ({})`", checker.written(right.0), checker.written(left.0)))
        }
        (x, y) if y.is_array() && !x.is_array() && op == "=" => {
            Some(format!("write `{} = any ({})`", checker.written(left.0), checker.written(right.0)))
        }
        (x, y) if (named(x, "jsonb") || named(x, "json")) && text(y) => {
            Some(format!("`->>` gives the text inside; or write `{} #>> '{{}}'`", checker.operand(left.0)))
        }
        (x, y) if text(x) && coerces(x, y, Context::Explicit) => cast(left.0, right.1),
        (x, y) if text(y) && coerces(y, x, Context::Explicit) => cast(right.0, left.1),
        (x, y) if coerces(y, x, Context::Explicit) && y != Key::Other => cast(right.0, left.1),
        (x, y) if coerces(x, y, Context::Explicit) && x != Key::Other => cast(left.0, right.1),
        _ => None,
    }
}
