//! What stands where something of a person stood.

use super::routines::sql_type;
use crate::types::*;
use specc_facts::{Family, family};
use specc_sql::quote::literal;

const RANDOM: &str = "translate(gen_random_uuid()::text, '-', '')";
/// Where mail to whoever was erased would go: nowhere.
const MAIL: &str = "@erased.invalid";

/// The value that says nothing, as SQL: null where the column may be null, and else one of its own where no two rows may have
/// the same, or where `compared` says that rows are found by it.
pub(super) fn value(model: &Model, entity: &Entity, at: FieldIx, compared: bool) -> String {
    let field = &entity.fields[at];
    if field.nullable {
        return "null".into();
    }
    let ty = model.under(&field.ty);
    let alone = compared || is_unique(entity, at);
    let name = sql_type(model, &field.ty);
    let cast = |value: &str| format!("{value}::{name}");
    if ty.dims > 0 {
        return cast("'{}'");
    }
    let builtin = match &ty.base {
        Base::Builtin(name) => name.as_str(),
        Base::Named(name) => name.name.as_str(),
        Base::Enum(id) => {
            let first = model.enums[id.0 as usize].labels.first();
            return cast(&literal(first.map_or("", |label| label.name.as_str())));
        }
        _ => return cast("'()'"),
    };
    match family(builtin) {
        Family::Text => text(field.name.to_lowercase().contains("mail"), alone, ty.args.first().copied(), &name),
        Family::Uuid => "gen_random_uuid()".into(),
        Family::Boolean => "false".into(),
        Family::Bytes if alone => "decode(md5(gen_random_uuid()::text), 'hex')".into(),
        Family::Json if alone => cast("jsonb_build_object('erased', gen_random_uuid())"),
        Family::Json => cast("'{}'"),
        // Numbers below zero, which nobody has.
        Family::Integer | Family::Decimal | Family::Float | Family::Money if alone => {
            let most = match (builtin, &ty.args[..]) {
                ("smallint", _) => "32767".to_owned(),
                ("int", _) => "2147483647".to_owned(),
                (_, [digits, rest @ ..]) => {
                    format!("1e{}", (digits - rest.first().copied().unwrap_or(0)).clamp(0, 15))
                }
                _ => "1e15".to_owned(),
            };
            let below = format!("(-floor(random() * {most}))");
            if family(builtin) == Family::Money { cast(&format!("{below}::numeric")) } else { cast(&below) }
        }
        Family::Integer | Family::Decimal | Family::Float | Family::Money | Family::Oid | Family::Interval => {
            cast("'0'")
        }
        Family::Moment if alone => cast("('epoch'::timestamp - make_interval(secs => random() * 1e10))"),
        Family::Moment => cast("'epoch'"),
        Family::Time if alone => cast("('00:00'::time + make_interval(secs => random() * 86399))"),
        Family::Time => cast("'00:00'"),
        Family::Network if alone && builtin == "inet" => cast("('fd00::'::inet + floor(random() * 1e15)::bigint)"),
        Family::Network => cast("'0.0.0.0'"),
        _ => cast("''"),
    }
}

fn text(mail: bool, alone: bool, most: Option<i64>, ty: &str) -> String {
    let room = most.unwrap_or(i64::MAX);
    let value = match (mail, alone) {
        // A short one has its random part in front, which is all that tells it from others.
        (true, true) if (23..58).contains(&room) => return format!("left({RANDOM}, {}) || '{MAIL}'", room - 15),
        (_, true) if room < 20 => RANDOM.to_owned(),
        (true, true) if room >= 58 => format!("'erased-' || gen_random_uuid() || '{MAIL}'"),
        (_, true) => "'erased-' || gen_random_uuid()".to_owned(),
        (true, false) => format!("'erased{MAIL}'"),
        (false, false) => "'erased'".to_owned(),
    };
    match most {
        Some(length) => format!("left({value}, {length})"),
        None if alone => format!("({value})::{ty}"),
        None => format!("{value}::{ty}"),
    }
}

/// Whether a key, a unique, a unique index or an exclusion reads the column, by itself or in an expression.
fn is_unique(entity: &Entity, at: FieldIx) -> bool {
    let within = |expr: &ExprRef| expr.formula.columns().iter().any(|(_, field)| *field == at);
    let reads = |element: &Element| match &element.on {
        On::Field(field) => *field == at || entity.fields[*field].generated.as_ref().is_some_and(within),
        On::Expr(expr) => within(expr),
    };
    let key = entity.key.iter().flat_map(|key| &key.fields).any(|field| *field == at);
    key || entity.uniques.iter().any(|unique| unique.elements.iter().any(reads))
        || entity.indexes.iter().any(|index| index.unique && index.elements.iter().any(reads))
        || entity.excludes.iter().any(|exclude| exclude.elements.iter().any(|(element, _)| reads(element)))
}
