//! Forms of the grammar that nobody looks into: words, and operands with how tightly each has to hold together.

use super::build::{Builder, folded, object_sql};
use super::{Form, Formula, Level, Node, Part, Value, Volatility};
use crate::typing::kinds::builtin;
use sqlparser::ast::{self, AccessExpr, Expr as Ast, Subscript};

impl Builder<'_> {
    /// The forms of the grammar.
    pub(super) fn form(&self, ast: &Ast) -> Option<Form> {
        let words = |text: &str| Part::Words(text.into());
        let operand = |e: &Ast, least: Level| Part::Operand(self.formula(e), least);
        let any = |e: &Ast| operand(e, Level::OR);
        let not = |negated: &bool| if *negated { "not " } else { "" };
        let is = |e: &Ast, rest: String| vec![operand(e, Level::IS.above()), Part::Words(rest.into())];
        let (level, parts) = match ast {
            Ast::Between { expr, negated, low, high } => {
                let tight = Level::LIKE.above();
                let between = format!(" {}between ", not(negated));
                let low = operand(low, tight);
                (Level::LIKE, vec![operand(expr, tight), words(&between), low, words(" and "), operand(high, tight)])
            }
            Ast::Like { negated, any: false, expr, pattern, escape_char } => {
                (Level::LIKE, self.like(expr, pattern, &format!(" {}like ", not(negated)), escape_char.as_deref()))
            }
            Ast::ILike { negated, any: false, expr, pattern, escape_char } => {
                (Level::LIKE, self.like(expr, pattern, &format!(" {}ilike ", not(negated)), escape_char.as_deref()))
            }
            Ast::SimilarTo { negated, expr, pattern, escape_char } => {
                let word = format!(" {}similar to ", not(negated));
                (Level::LIKE, self.like(expr, pattern, &word, escape_char.as_deref()))
            }
            Ast::IsDistinctFrom(left, right) | Ast::IsNotDistinctFrom(left, right) => {
                let negated = matches!(ast, Ast::IsNotDistinctFrom(..));
                let word = format!(" is {}distinct from ", not(&negated));
                let tight = Level::IS.above();
                (Level::IS, vec![operand(left, tight), words(&word), operand(right, tight)])
            }
            Ast::IsJson { expr, kind, unique_keys, negated } => {
                let kind = kind.as_ref().map(|k| format!(" {}", k.to_string().to_lowercase())).unwrap_or_default();
                let keys = unique_keys.as_ref().map(|k| format!(" {}", k.to_string().to_lowercase()));
                (Level::IS, is(expr, format!(" is {}json{kind}{}", not(negated), keys.unwrap_or_default())))
            }
            Ast::IsNormalized { expr, form, negated } => {
                let form = form.as_ref().map(|f| format!("{} ", f.to_string().to_lowercase())).unwrap_or_default();
                (Level::IS, is(expr, format!(" is {}{form}normalized", not(negated))))
            }
            Ast::AnyOp { left, compare_op, right, .. } | Ast::AllOp { left, compare_op, right } => {
                let word = match ast {
                    Ast::AllOp { .. } => "all",
                    Ast::AnyOp { is_some: true, .. } => "some",
                    _ => "any",
                };
                let op = compare_op.to_string().to_lowercase();
                let level = match op.as_str() {
                    "=" | "<>" | "<" | "<=" | ">" | ">=" => Level::COMPARE,
                    _ => Level::OPERATOR,
                };
                let mut parts = vec![operand(left, level.above()), Part::Words(format!(" {op} {word}").into())];
                if matches!(**right, Ast::Subquery(_)) {
                    parts.push(operand(right, Level::OR));
                } else {
                    parts.extend([words("("), Part::Operand(self.array(right), Level::OR), words(")")]);
                }
                (level, parts)
            }
            Ast::AtTimeZone { timestamp, time_zone } if is_local(time_zone) => {
                (Level::ZONE, vec![operand(timestamp, Level::ZONE), words(" at local")])
            }
            Ast::AtTimeZone { timestamp, time_zone } => {
                let zone = operand(time_zone, Level::ZONE.above());
                (Level::ZONE, vec![operand(timestamp, Level::ZONE), words(" at time zone "), zone])
            }
            Ast::Collate { expr, collation } => {
                let name = format!(" collate {}", object_sql(collation));
                (Level::COLLATE, vec![operand(expr, Level::COLLATE), words(&name)])
            }
            Ast::Case { operand: subject, conditions, else_result, .. } => {
                let mut parts = vec![words("case")];
                if let Some(subject) = subject {
                    parts.extend([words(" "), any(subject)]);
                }
                for when in conditions {
                    parts.extend([words(" when "), any(&when.condition), words(" then "), any(&when.result)]);
                }
                if let Some(other) = else_result {
                    parts.extend([words(" else "), any(other)]);
                }
                parts.push(words(" end"));
                (Level::ATOM, parts)
            }
            Ast::Array(array) => {
                let open = if array.named { "array[" } else { "[" };
                (Level::ATOM, self.enclosed(open, &array.elem, "]"))
            }
            Ast::Tuple(items) => (Level::ATOM, self.enclosed("(", items, ")")),
            Ast::Extract { field, syntax, expr } => {
                let between = if *syntax == ast::ExtractSyntax::From { " from " } else { ", " };
                (Level::ATOM, vec![words(&format!("extract({}{between}", moment(field))), any(expr), words(")")])
            }
            Ast::Ceil { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                (Level::ATOM, vec![words("ceil("), any(expr), words(")")])
            }
            Ast::Floor { expr, field: ast::CeilFloorKind::DateTimeField(ast::DateTimeField::NoDateTime) } => {
                (Level::ATOM, vec![words("floor("), any(expr), words(")")])
            }
            Ast::Position { expr, r#in } => {
                let tight = Level::LIKE.above();
                let parts = vec![words("position("), operand(expr, tight), words(" in "), operand(r#in, tight)];
                (Level::ATOM, parts.into_iter().chain([words(")")]).collect())
            }
            Ast::Substring { expr, substring_from, substring_for, special, shorthand } => {
                let name = if *shorthand { "substr(" } else { "substring(" };
                let (from, length) = if *special { (", ", ", ") } else { (" from ", " for ") };
                let mut parts = vec![words(name), any(expr)];
                for (word, value) in [(from, substring_from), (length, substring_for)] {
                    if let Some(value) = value {
                        parts.extend([words(word), any(value)]);
                    }
                }
                parts.push(words(")"));
                (Level::ATOM, parts)
            }
            Ast::Trim { trim_where, trim_what, expr, trim_characters } => {
                let mut parts = vec![words("trim(")];
                if let Some(side) = trim_where {
                    parts.push(words(&format!("{} ", side.to_string().to_lowercase())));
                }
                if let Some(what) = trim_what {
                    parts.extend([any(what), words(" ")]);
                }
                if trim_where.is_some() || trim_what.is_some() {
                    parts.push(words("from "));
                }
                parts.push(any(expr));
                for more in trim_characters.iter().flatten() {
                    parts.extend([words(", "), any(more)]);
                }
                parts.push(words(")"));
                (Level::ATOM, parts)
            }
            Ast::Overlay { expr, overlay_what, overlay_from, overlay_for } => {
                let mut parts = vec![words("overlay("), any(expr), words(" placing "), any(overlay_what)];
                parts.extend([words(" from "), any(overlay_from)]);
                if let Some(length) = overlay_for {
                    parts.extend([words(" for "), any(length)]);
                }
                parts.push(words(")"));
                (Level::ATOM, parts)
            }
            Ast::TypedString(typed) => {
                let value = Formula::literal(Value::of(&typed.value.value), self.ty(ast));
                let ty = Part::Type(self.type_name(&typed.data_type));
                (Level::ATOM, vec![ty, words(" "), Part::Operand(value, Level::ATOM)])
            }
            Ast::Interval(interval) => {
                let mut parts = vec![words("interval "), operand(&interval.value, Level::ATOM)];
                let field = |field: &ast::DateTimeField, precision: Option<u64>| match precision {
                    Some(precision) => format!("{}({precision})", moment(field)),
                    None => moment(field),
                };
                let first = interval.leading_field.as_ref().map(|first| field(first, interval.leading_precision));
                let last = interval.last_field.as_ref();
                let last = last.map(|last| field(last, interval.fractional_seconds_precision));
                parts.extend(first.map(|first| words(&format!(" {first}"))));
                parts.extend(last.map(|last| words(&format!(" to {last}"))));
                (Level::ATOM, parts)
            }
            Ast::CompoundFieldAccess { .. } if specc_expr::row_of_star(ast).is_some() => return None,
            Ast::CompoundFieldAccess { root, access_chain } => (Level::ATOM, self.access(root, access_chain)?),
            Ast::Prefixed { prefix, value } => match specc_expr::suffix(ast) {
                Some((value, after)) if after.starts_with(',') => (Level::ATOM, vec![any(value), words(after)]),
                Some((value, after)) => (Level::IS, is(value, after.to_owned())),
                None => {
                    let value = operand(value, Level::LIKE.above());
                    (Level::ATOM, vec![words(&format!("{} ", prefix.value.to_lowercase())), value])
                }
            },
            _ => return None,
        };
        Some(Form { level, parts })
    }

    fn like(&self, expr: &Ast, pattern: &Ast, word: &str, escape: Option<&Ast>) -> Vec<Part> {
        let tight = Level::LIKE.above();
        let mut parts = vec![
            Part::Operand(self.formula(expr), tight),
            Part::Words(word.into()),
            Part::Operand(self.formula(pattern), tight),
        ];
        if let Some(escape) = escape {
            parts.extend([Part::Words(" escape ".into()), Part::Operand(self.formula(escape), tight)]);
        }
        parts
    }

    fn enclosed(&self, open: &str, items: &[Ast], close: &str) -> Vec<Part> {
        let mut parts = vec![Part::Words(open.into())];
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                parts.push(Part::Words(", ".into()));
            }
            parts.push(Part::Operand(self.formula(item), Level::OR));
        }
        parts.push(Part::Words(close.into()));
        parts
    }

    /// `(row).field`, `tags[1]`, `tags[1:2]`
    fn access(&self, root: &Ast, chain: &[AccessExpr]) -> Option<Vec<Part>> {
        let stands_alone =
            matches!(root, Ast::Identifier(_) | Ast::CompoundIdentifier(_) | Ast::Nested(_) | Ast::Subquery(_));
        let root = Part::Operand(self.formula(root), Level::ATOM);
        let mut parts = match stands_alone {
            true => vec![root],
            false => vec![Part::Words("(".into()), root, Part::Words(")".into())],
        };
        for access in chain {
            match access {
                AccessExpr::Dot(Ast::Identifier(field)) => {
                    parts.push(Part::Words(format!(".{}", specc_sql::quote::ident(&folded(field))).into()));
                }
                AccessExpr::Dot(_) => return None,
                AccessExpr::Subscript(Subscript::Index { index }) => {
                    parts.push(Part::Words("[".into()));
                    parts.push(Part::Operand(self.formula(index), Level::OR));
                    parts.push(Part::Words("]".into()));
                }
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride: None }) => {
                    parts.push(Part::Words("[".into()));
                    parts.extend(lower_bound.as_ref().map(|e| Part::Operand(self.formula(e), Level::OR)));
                    parts.push(Part::Words(":".into()));
                    parts.extend(upper_bound.as_ref().map(|e| Part::Operand(self.formula(e), Level::OR)));
                    parts.push(Part::Words("]".into()));
                }
                AccessExpr::Subscript(_) => return None,
            }
        }
        Some(parts)
    }

    /// Words and operands before a subquery.
    pub(super) fn with_query(&self, level: Level, mut parts: Vec<Part>, query: &ast::Query) -> Node {
        let query = Formula {
            node: Node::Sql(Box::new(self.query(query))),
            ty: builtin("boolean"),
            span: self.at,
            nullable: true,
            volatility: Volatility::Volatile,
        };
        parts.push(Part::Operand(query, Level::ATOM));
        Node::Form(Box::new(Form { level, parts }))
    }
}

/// Whether it is the zone of the session: `at local`.
fn is_local(zone: &Ast) -> bool {
    matches!(zone, Ast::Value(value) if value.value == ast::Value::Placeholder(specc_expr::LOCAL.into()))
}

/// `epoch`, or `'epoch'` where it is written as a string.
fn moment(field: &ast::DateTimeField) -> String {
    match field {
        ast::DateTimeField::Custom(name) if name.quote_style == Some('\'') => specc_sql::quote::text(&name.value),
        other => other.to_string().to_lowercase(),
    }
}
