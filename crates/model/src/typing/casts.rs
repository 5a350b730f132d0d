//! Casts, typed literals, and values that are stored.

use super::expr::Checker;
use super::kinds::{Key, Ty, builtin, cast_volatility, coerces, key};
use super::place::Place;
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Code, codes, nearest};
use specc_expr::object_name;
use specc_facts::{Context, Family, Volatility};
use sqlparser::ast::{ArrayElemTypeDef, DataType, Expr as Ast, TypedString, Value};

impl Checker<'_> {
    pub(crate) fn cast(&mut self, ast: &Ast, inner: &Ast, to: &DataType) -> Ty {
        if let Ast::Array(array) = inner {
            self.brackets(inner, array);
            return self.cast_array(ast, &array.elem, to);
        }
        let found = self.expr(inner);
        let Some(target) = self.data_type(ast, to) else { return Ty::Opaque };
        self.cast_to(ast, inner, &found, &target);
        Ty::Known(target)
    }

    /// The cast of an `array[…]` is one of its elements.
    fn cast_array(&mut self, ast: &Ast, elements: &[Ast], to: &DataType) -> Ty {
        self.arrays += 1;
        let types: Vec<Ty> = elements.iter().map(|e| self.expr(e)).collect();
        self.arrays -= 1;
        let Some(target) = self.data_type(ast, to) else { return Ty::Opaque };
        if target.dims == 1 {
            let element = Type { dims: 0, ..target.clone() };
            for (part, found) in elements.iter().zip(&types) {
                self.cast_to(part, part, found, &element);
            }
        }
        Ty::Known(target)
    }

    fn cast_to(&mut self, ast: &Ast, inner: &Ast, found: &Ty, target: &Type) {
        let target = target.clone();
        match found {
            Ty::Literal => self.literal(inner, found, &target, codes::TYPE_MISMATCH),
            Ty::Known(from) => {
                let (a, b) = (key(self.model, from), key(self.model, &target));
                if !coerces(a, b, Context::Explicit) {
                    let message = format!("`{}` cannot be cast to `{}`", self.describe(from), self.describe(&target));
                    let help = coerces(a, TEXT, Context::Explicit).then(|| {
                        format!("by way of text: `{}::text::{}`", self.operand(inner), self.describe(&target))
                    });
                    self.report(codes::TYPE_MISMATCH, ast, message, help.filter(|_| a.category() != b'A'));
                } else if cast_volatility(a, b) != Volatility::Immutable {
                    let shown = format!(
                        "the cast from `{}` to `{}` depends on settings",
                        self.describe(from),
                        self.describe(&target)
                    );
                    let help = moment_help(self, inner, from, &target);
                    self.not_immutable(ast, shown, help);
                }
            }
            Ty::Opaque => {}
        }
    }

    pub(crate) fn typed_string(&mut self, ast: &Ast, typed: &TypedString) -> Ty {
        let Some(target) = self.data_type(ast, &typed.data_type) else { return Ty::Opaque };
        let value = Ast::Value(typed.value.clone());
        if matches!(typed.value.value, Value::SingleQuotedString(_)) {
            self.literal(&value, &Ty::Literal, &target, codes::TYPE_MISMATCH);
        }
        Ty::Known(target)
    }

    /// The type behind a type's name in SQL; an unknown one is reported at `ast` if it is certain.
    pub(crate) fn data_type(&mut self, ast: &Ast, written: &DataType) -> Option<Type> {
        match written {
            DataType::Array(ArrayElemTypeDef::SquareBracket(inner, _)) => {
                let mut ty = self.data_type(ast, inner)?;
                ty.dims = ty.dims.saturating_add(1);
                Some(ty)
            }
            DataType::Custom(name, arguments) => {
                // `"char"` is one byte, and not the `char` of everybody else.
                if let [part] = name.0.as_slice()
                    && part.as_ident().is_some_and(|i| i.quote_style.is_some() && i.value == "char")
                {
                    return Some(builtin("\"char\""));
                }
                if let [first, _] = &name.0[..]
                    && let Some(ident) = first.as_ident()
                    && self.no_schema(Some(&super::names::folded(ident)), Some(ident))
                {
                    return None;
                }
                let (schema, name) = object_name(name)?;
                self.named_type(ast, schema, name, arguments)
            }
            other => {
                let text = other.to_string().to_lowercase();
                let (name, args) = split_arguments(&text);
                let mut ty = builtin(canonical(&name)?);
                ty.args = args;
                Some(ty)
            }
        }
    }

    fn named_type(&mut self, ast: &Ast, schema: Option<SmolStr>, name: SmolStr, arguments: &[String]) -> Option<Type> {
        let args: Vec<i64> = arguments.iter().filter_map(|a| a.trim().parse().ok()).collect();
        let found = |base| Some(Type { base, args: args.clone(), dims: 0 });
        let wanted = Qualified {
            schema: schema.clone().unwrap_or_else(|| self.model.options.default_schema.clone()),
            name: name.clone(),
        };
        let names = self.typing.names();
        if let Some(base) = names.types.get(&wanted) {
            return found(base.clone());
        }
        if let Some(id) = self.model.index.entities.get(&wanted) {
            return found(Base::Row(*id));
        }
        if schema.as_deref().is_some_and(|s| s != "pg_catalog" && s != "extensions") {
            return None;
        }
        if let Some(known) = canonical(&name) {
            return found(builtin(known).base);
        }
        if specc_facts::type_info(&name).is_some() {
            let base = Base::Named(Qualified { schema: SmolStr::default(), name });
            return found(base);
        }
        // Another schema on the path, a view's row, or an extension may have it.
        let elsewhere = names.types.keys().any(|n| n.name == name)
            || names.views.keys().any(|n| n.name == name)
            || self.model.entities.iter().any(|e| e.name.name == name)
            || !names.closed
            || self.typing.sql_mentions(&name);
        if schema.is_none() && !elsewhere {
            let known = names.types.keys().map(|n| n.name.as_str());
            if let Some(near) = nearest(&name, known) {
                let help = format!("did you mean `{near}`?");
                self.report(codes::UNKNOWN_TYPE, ast, format!("unknown type `{name}`"), Some(help));
            }
        }
        None
    }

    /// A value that is stored in a column of this type.
    pub(crate) fn assign(&mut self, ast: &Ast, found: &Ty, target: &Type) {
        let code = self.assignment_code();
        self.literal(ast, found, target, code);
        self.length(ast, target, code);
        let Ty::Known(from) = found else { return };
        let (a, b) = (key(self.model, from), key(self.model, target));
        // a whole row stands for its key in a seed or default
        if matches!(a, Key::Record(_)) || coerces(a, b, Context::Assignment) {
            return;
        }
        let message = format!("expected `{}`, found `{}`", self.describe(target), self.describe(from));
        let bare = Type { args: Vec::new(), ..target.clone() };
        let help = if b.is_array() && !a.is_array() {
            Some(format!("write `array[{}]`", self.written(ast)))
        } else if matches!(b, Key::Table(s) if s.name == "boolean" && !s.array) && a.category() == b'N' {
            Some(format!("write `{}`", if self.written(ast) == "0" { "false" } else { "true" }))
        } else if coerces(a, b, Context::Explicit) {
            Some(format!("write `{}::{}`", self.operand(ast), self.describe(&bare)))
        } else {
            match b {
                Key::Enum(id, false) => {
                    let label = self.model.enums[id.0 as usize].labels.first().map_or("…", |l| l.name.as_str());
                    Some(format!("write one of its labels: `'{label}'`"))
                }
                Key::Table(s) if s.name == "interval" && a.category() == b'N' => {
                    Some(format!("write `interval '{} days'`", self.written(ast)))
                }
                _ => Some(format!("write a `{}`, or declare a `{}`", self.describe(target), self.describe(from))),
            }
        };
        self.report(code, ast, message, help);
    }

    /// Whether a value of the type may be stored in one of the other.
    pub(crate) fn may_assign(&self, found: &Ty, target: &Type) -> bool {
        let Ty::Known(from) = found else { return true };
        coerces(key(self.model, from), key(self.model, target), Context::Assignment)
    }

    /// A type in words.
    pub(crate) fn words(&self, ty: &Ty) -> String {
        match ty {
            Ty::Known(ty) => self.describe(ty),
            _ => "unknown".into(),
        }
    }

    fn assignment_code(&self) -> Code {
        match self.place {
            Place::Default => codes::DEFAULT_MISMATCH,
            Place::Seed => codes::SEED_VALUE,
            _ => codes::TYPE_MISMATCH,
        }
    }

    /// A value that is longer than its column.
    fn length(&mut self, ast: &Ast, target: &Type, code: Code) {
        let (Base::Builtin(name), [most, rest @ ..], 0) = (&target.base, &target.args[..], target.dims) else { return };
        let Ast::Value(v) = ast else { return };
        let category = specc_facts::type_info(name).map_or(b'U', |info| info.category);
        let text = match &v.value {
            Value::SingleQuotedString(text) => text,
            Value::Number(digits, _) if category == b'N' => digits,
            _ => return,
        };
        match category {
            b'S' => {}
            b'V' => return self.bits(ast, text, target, *most, code),
            b'N' => return self.digits(ast, text, target, most - rest.first().copied().unwrap_or(0), code),
            _ => return,
        }
        if text.trim_end_matches(' ').chars().count() as i64 > *most {
            let message = format!(
                "this text has {} characters, and `{}` holds {most}",
                text.chars().count(),
                self.describe(target)
            );
            self.report(code, ast, message, Some("shorten it, or make the column longer".into()));
        }
    }

    /// A number with more digits before its point than its column holds.
    fn digits(&mut self, ast: &Ast, text: &str, target: &Type, room: i64, code: Code) {
        let whole = text.trim().trim_start_matches(['+', '-']).split('.').next().unwrap_or_default();
        let digits = whole.trim_start_matches('0').len() as i64;
        if whole.bytes().all(|b| b.is_ascii_digit()) && digits > room {
            let (target, room) = (self.describe(target), room.max(0));
            let message = format!("this number has {digits} digits before the point, and `{target}` holds {room}");
            self.report(code, ast, message, Some("write a smaller one, or give the type more digits".into()));
        }
    }

    /// Bits that are not as many as their column holds.
    fn bits(&mut self, ast: &Ast, text: &str, target: &Type, most: i64, code: Code) {
        let (digits, each) = match text.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 4),
            None => (text.strip_prefix(['b', 'B']).unwrap_or(text), 1),
        };
        if specc_facts::read_literal(text, "varbit", false).is_err() {
            return;
        }
        let count = digits.len() as i64 * each;
        let exact = matches!(&target.base, Base::Builtin(name) if **name == *"bit");
        if count > most || exact && count != most {
            let most = if exact { most.to_string() } else { format!("at most {most}") };
            let message = format!("these are {count} bits, and `{}` holds {most}", self.describe(target));
            self.report(code, ast, message, Some("write as many bits, or change the length of the type".into()));
        }
    }
}

const TEXT: Key = Key::Table(specc_facts::Spelled { name: "text", array: false });

/// A moment in a fixed time zone has a fixed date.
fn moment_help(checker: &Checker<'_>, inner: &Ast, from: &Type, to: &Type) -> Option<String> {
    let name = |t: &Type| match &t.base {
        Base::Builtin(n) if t.dims == 0 => n.clone(),
        _ => SmolStr::default(),
    };
    let local = matches!(specc_facts::family(&name(to)), Family::Moment | Family::Time);
    (name(from) == "timestamptz" && local)
        .then(|| format!("write `({} at time zone 'utc')::{}`", checker.written(inner), name(to)))
}

/// `timestamp(3) with time zone` to `timestamp with time zone` and 3.
fn split_arguments(text: &str) -> (String, Vec<i64>) {
    let Some((head, rest)) = text.split_once('(') else { return (text.to_owned(), Vec::new()) };
    let (inner, tail) = rest.split_once(')').unwrap_or((rest, ""));
    let args = inner.split(',').filter_map(|a| a.trim().parse().ok()).collect();
    (format!("{}{tail}", head.trim_end()), args)
}

/// The model's name of a built-in type; an interval's fields are no part of an expression's type.
pub(crate) fn canonical(name: &str) -> Option<&'static str> {
    match specc_facts::canonical_type(name)? {
        "bpchar" => Some("char"),
        found if found.starts_with("interval") => Some("interval"),
        found => Some(found),
    }
}
