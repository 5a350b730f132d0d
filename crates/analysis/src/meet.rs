//! Types that do not meet: what no operator and no function takes, and columns and branches that are of no one type.

use crate::Problem;
use crate::convert::{Kind, Whole};
use crate::scope::Ty;
use crate::text::Part;
use crate::types::{from_table, may_become};
use crate::walk::Walk;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{BinaryOperator, Expr, Spanned, UnaryOperator, Value};
use specc_expr::sqlparser::tokenizer::Span;
use specc_facts::{Context, Spelled, Variant};

/// A type of Postgres's own of which everything is known.
fn told(ty: &Ty) -> Option<&DataType> {
    let ty = ty.as_ref().filter(|ty| ty.schema.is_empty() && !specc_facts::is_pseudo_type(&ty.name))?;
    specc_facts::type_info(&ty.name).is_some_and(|info| info.extension == "-").then_some(ty)
}

/// Types of different categories never become one; those that are in none of these are left alone.
fn category(ty: &Ty) -> Option<u8> {
    let ty = told(ty)?;
    if ty.dims > 0 {
        return Some(b'A');
    }
    let category = specc_facts::type_info(&ty.name)?.category;
    b"BDNSTUIGV".contains(&category).then_some(category)
}

/// Whether what an operator or a function of the tables takes may be of a type of Postgres's own.
pub(crate) fn takes(wanted: Spelled, ty: &DataType) -> bool {
    if told(&Some(ty.clone())).is_none() {
        return true;
    }
    if !specc_facts::is_pseudo_type(wanted.name) {
        // A type of an extension takes no other by itself, unless a cast says so.
        let own = specc_facts::type_info(wanted.name).is_none_or(|info| info.extension == "-");
        let from = Spelled { name: specc_facts::type_info(&ty.name).map_or("", |info| info.name), array: ty.dims > 0 };
        let cast = || specc_facts::cast(from, wanted).is_some_and(|cast| cast.context == Context::Implicit);
        return if own { from_table(wanted).is_none_or(|wanted| may_become(ty, &wanted)) } else { cast() };
    }
    match wanted.name {
        _ if wanted.array => ty.dims > 0,
        "anyarray" | "anycompatiblearray" => ty.dims > 0 || ty.name.ends_with("vector"),
        "anynonarray" => ty.dims == 0,
        "anyenum" | "record" => false,
        name if name.contains("range") => ty.dims == 0 && ty.name.ends_with("range"),
        _ => true,
    }
}

/// Whether an operator of the tables may take a value of this kind.
pub(crate) fn fits(wanted: Spelled, (kind, array): &Whole) -> bool {
    if !matches!(kind, Kind::Own(_)) && matches!(wanted.name, "any" | "anyelement" | "anycompatible") {
        return true;
    }
    match kind {
        Kind::Own(name) => takes(wanted, &DataType { dims: u8::from(*array), ..DataType::builtin(*name) }),
        _ if *array => wanted.name.contains("array") && !wanted.name.contains("non"),
        // Rows are compared by their values, and enums with their own labels.
        Kind::Enum(..) => matches!(wanted.name, "anyenum" | "anynonarray" | "anycompatiblenonarray"),
        Kind::Row(..) => matches!(wanted.name, "record" | "anynonarray" | "anycompatiblenonarray"),
    }
}

impl Walk<'_> {
    /// Says where no operator takes these two.
    pub(crate) fn operands(&mut self, part: &Part<'_>, whole: &Expr, op: &BinaryOperator, a: &Ty, b: &Ty) {
        let sign = match op {
            BinaryOperator::PGCustomBinaryOperator(parts) => match &parts[..] {
                [sign] => sign.clone(),
                [schema, sign] if schema.eq_ignore_ascii_case("pg_catalog") => sign.clone(),
                _ => return,
            },
            op => op.to_string(),
        };
        if a.is_some() && b.is_some() {
            self.operator(part, whole, &sign, a, b);
        }
    }

    /// Says where no operator of this sign takes values of these types; of a side without one nothing is known.
    fn operator(&mut self, part: &Part<'_>, whole: &Expr, sign: &str, a: &Ty, b: &Ty) {
        let mut variants = specc_facts::operators(sign).iter().filter(|v| v.args.len() == 2).peekable();
        if variants.peek().is_none() || self.env.may_have_operators() {
            return;
        }
        let known = |ty: &Ty| ty.as_ref().map(|ty| self.kind(ty));
        let (x, y) = (known(a), known(b));
        if matches!(x, Some(None)) || matches!(y, Some(None)) {
            return;
        }
        let (x, y) = (x.flatten(), y.flatten());
        let fits = |wanted: Spelled, given: &Option<Whole>| given.as_ref().is_none_or(|given| fits(wanted, given));
        let same = |v: &Variant| v.args[0].name != "anyenum" || x.is_none() || y.is_none() || x == y;
        if variants.any(|v| same(v) && fits(v.args[0], &x) && fits(v.args[1], &y)) {
            return;
        }
        let message = match (a, b) {
            (Some(a), Some(b)) => format!("there is no `{sign}` for `{a}` and `{b}`"),
            (Some(one), None) | (None, Some(one)) => format!("there is no `{sign}` for `{one}`"),
            (None, None) => return,
        };
        let to = a.as_ref().filter(|_| b.is_some()).map_or_else(|| "text".to_owned(), ToString::to_string);
        let help = format!("cast one of the two: `…::{to}`");
        self.report_at(part, whole.span(), Problem::Types, message, Some(help));
    }

    /// `like`, `ilike` and `similar to` take texts.
    pub(crate) fn like(&mut self, part: &Part<'_>, whole: &Expr, a: &Ty, b: &Ty) {
        // `like any (…)` looks at each of many.
        if b.as_ref().is_none_or(|b| b.dims == 0) && a.is_some() {
            self.operator(part, whole, "~~", a, b);
        }
    }

    /// `a = any (b)`: b is an array, and its elements are compared.
    pub(crate) fn each_of(&mut self, part: &Part<'_>, list: &Expr, op: &BinaryOperator, a: &Ty, b: &Ty) {
        let Some(given) = b else { return };
        match self.kind(given) {
            Some((_, false)) => {
                let message = format!("`any` and `all` take an array or a query, and this is of type `{given}`");
                self.report_at(part, list.span(), Problem::Types, message, Some("write `array[…]`".into()));
            }
            Some((_, true)) if given.dims > 0 => {
                let element = DataType { dims: 0, args: Vec::new(), ..given.clone() };
                self.operands(part, list, op, a, &Some(element));
            }
            _ => {}
        }
    }

    /// A sign before what has none.
    pub(crate) fn signed(&mut self, part: &Part<'_>, whole: &Expr, op: &UnaryOperator, ty: &Ty) {
        let Some(given) = told(ty) else { return };
        let sign = op.to_string();
        let mut variants = specc_facts::operators(&sign).iter().filter(|v| v.args.len() == 1).peekable();
        if variants.peek().is_some() && !self.env.may_have_operators() && !variants.any(|v| takes(v.args[0], given)) {
            let message = format!("there is no `{sign}` before a `{given}`");
            let help = "cast it to a number: `…::numeric`".to_owned();
            self.report_at(part, whole.span(), Problem::Types, message, Some(help));
        }
    }

    /// What an operator of Postgres's own gives for these two, where that is one type.
    pub(crate) fn given_by(&self, op: &BinaryOperator, a: &Ty, b: &Ty) -> Ty {
        let (left, right) = (told(a)?, told(b)?);
        let sign = op.to_string();
        let variants = || specc_facts::operators(&sign).iter().filter(|v| v.args.len() == 2 && v.extension == "-");
        let name = |ty: &DataType| specc_facts::type_info(&ty.name).map(|info| info.name);
        let is = |wanted: Spelled, ty: &DataType| name(ty) == Some(wanted.name) && (ty.dims > 0) == wanted.array;
        if let Some(exact) = variants().find(|v| is(v.args[0], left) && is(v.args[1], right)) {
            return from_table(exact.result);
        }
        let mut fitting = variants().filter(|v| takes(v.args[0], left) && takes(v.args[1], right));
        let first = fitting.next()?;
        fitting.all(|v| v.result == first.result).then(|| from_table(first.result)).flatten()
    }

    /// A literal beside a number is one.
    pub(crate) fn literal_beside(
        &mut self,
        part: &Part<'_>,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        a: &Ty,
        b: &Ty,
    ) {
        let counts = |ty: &Ty| told(ty).is_some_and(|ty| ty.dims == 0 && specc_facts::family(&ty.name).is_number());
        // A moment has operators with an interval, too.
        if *op == BinaryOperator::Multiply || self.env.may_have_operators() {
            return;
        }
        if counts(a) {
            self.wanted(part, right, a);
        } else if counts(b) {
            self.wanted(part, left, b);
        }
    }

    /// Resolves what has to be true or false, and says where it never is.
    pub(crate) fn condition(&mut self, part: &Part<'_>, place: &str, expr: &Expr) {
        let ty = self.expr(part, expr);
        if let Some(ty) = told(&ty).filter(|ty| ty.dims > 0 || ty.name != "boolean") {
            let message = format!("what stands in `{place}` is of type `{ty}`, and has to be true or false");
            let help = "compare it with something".to_owned();
            self.report_at(part, expr.span(), Problem::Types, message, Some(help));
        }
    }

    /// Says where values that have to be of one type cannot be: the branches of a `case`, the arguments of a `coalesce`.
    pub(crate) fn one_type<'e>(
        &mut self,
        part: &Part<'_>,
        what: &str,
        values: impl Iterator<Item = (&'e Expr, &'e Ty)>,
    ) {
        let mut first: Option<(u8, &Ty)> = None;
        for (expr, ty) in values {
            let Some(found) = category(ty) else { continue };
            match first {
                None => first = Some((found, ty)),
                Some((other, before)) if other != found => {
                    let (Some(a), Some(b)) = (before, ty) else { return };
                    let message = format!("{what} gives `{a}` and `{b}`, which are no one type");
                    let help = format!("cast this value: `…::{a}`");
                    return self.report_at(part, expr.span(), Problem::Types, message, Some(help));
                }
                Some(_) => {}
            }
        }
    }

    /// Says where two columns that become one cannot.
    pub(crate) fn one_column(&mut self, part: &Part<'_>, area: Span, at: usize, a: &Ty, b: &Ty) {
        if let (Some(x), Some(y), Some(a), Some(b)) = (category(a), category(b), a, b)
            && x != y
        {
            let message = format!("column {} is `{a}` in one query and `{b}` in the other", at + 1);
            self.report_at(part, area, Problem::Types, message, Some(format!("cast it: `…::{a}`")));
        }
    }

    /// Says where what is no text gets a collation.
    pub(crate) fn collated(&mut self, part: &Part<'_>, expr: &Expr, ty: &Ty) {
        if let (Some(found), Some(ty)) = (category(ty), ty)
            && !matches!(found, b'S' | b'A')
        {
            let message = format!("a value of type `{ty}` has no collation");
            self.report_at(part, expr.span(), Problem::Types, message, Some("remove `collate`".into()));
        }
    }

    /// `limit` and `offset` take a number.
    pub(crate) fn row_count(&mut self, part: &Part<'_>, word: &str, expr: &Expr) {
        let ty = self.expr(part, expr);
        self.no_set(part, expr, word);
        let text = match expr {
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(text) => Some(text.trim().parse::<i64>().is_err()),
                _ => None,
            },
            _ => None,
        };
        if text.unwrap_or_else(|| category(&ty).is_some_and(|found| found != b'N')) {
            let message = format!("`{word}` takes a number of rows");
            self.report_at(part, expr.span(), Problem::Types, message, Some(format!("write a number: `{word} 10`")));
        }
    }
}

/// Whether a value is surely no array.
pub(crate) fn is_no_array(ty: &Ty) -> bool {
    category(ty).is_some_and(|found| found != b'A')
}

/// Whether everything is known of a type.
pub(crate) fn is_told(ty: &Ty) -> bool {
    told(ty).is_some()
}
