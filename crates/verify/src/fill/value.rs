//! Values of a type, as SQL over the row's number, [`ROW`].

use super::pattern;
use specc_catalog::{Catalog, Column, DataType, IdRef, Kind, Object, SqlExpr};
use specc_facts::Family;
use specc_sql::push_type;
use specc_sql::quote::literal;

/// What numbers the rows, in the query that the values are for.
pub(super) const ROW: &str = "g.i";

/// The conditions on a column: likely what they name is what they allow.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    checks: Vec<String>,
    /// The column's place: what comes later in a table is later in time too.
    place: usize,
}

impl Candidates {
    /// Those of a column.
    pub fn of(catalog: &Catalog, column: &Column, place: usize, checks: &[&SqlExpr]) -> Self {
        let own = checks.iter().filter(|check| check.reads(&column.name)).map(|check| check.text.to_string());
        let mut found = Self { checks: own.collect(), place };
        found.of_domain(catalog, &column.ty);
        found
    }

    fn of_domain(&mut self, catalog: &Catalog, ty: &DataType) {
        let place = catalog.find(IdRef::new(Kind::Domain, &ty.schema, &ty.name));
        if let Some(Object::Domain(domain)) = place.and_then(|at| catalog.at(at)).map(|(_, entry)| &entry.object) {
            self.checks.extend(domain.checks.iter().map(|(_, check)| check.text.to_string()));
            self.of_domain(catalog, &domain.base);
        }
    }

    /// The texts in the conditions.
    fn texts(&self) -> Vec<String> {
        let odd = |check: &String| check.split('\'').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        self.checks.iter().flat_map(odd).collect()
    }

    /// A value of the shape that they ask for.
    fn shape(&self) -> Option<String> {
        self.checks.iter().find_map(|check| specc_sql::read_shape(check)).map(|(_, shape)| literal(&shape.example()))
    }

    /// A text that they take.
    fn text(&self, unique: bool, size: Option<i64>) -> Option<String> {
        let texts = self.texts();
        let is_pattern = |text: &&String| text.contains(['^', '$', '[', '\\']) && text.len() > 1;
        if let Some(pattern) = texts.iter().find(is_pattern) {
            return pattern::text(pattern);
        }
        if texts.iter().any(|text| text.contains('@')) {
            return Some("('a' || g.i || '@example.com')".into());
        }
        if texts.iter().any(|text| text.starts_with("http")) {
            return Some("('https://example.com/' || g.i)".into());
        }
        let named: Vec<String> = texts.into_iter().filter(|text| !text.is_empty() && !text.contains('%')).collect();
        if !named.is_empty() && !unique {
            return Some(one_of(&named.iter().map(|text| literal(text)).collect::<Vec<_>>()));
        }
        // As long as a length asks for.
        let exact = self.checks.iter().find_map(|check| {
            let (_, rest) = check.split_once("length(")?;
            let (_, rest) = rest.split_once(')')?;
            rest.trim().strip_prefix('=')?.trim().split(|c: char| !c.is_ascii_digit()).next()?.parse::<i64>().ok()
        });
        exact.filter(|n| size.is_none_or(|size| *n <= size)).map(|n| format!("lpad((g.i)::text, {n}, 'a')"))
    }

    /// A number that they take.
    fn number(&self, unique: bool) -> Option<String> {
        let (mut low, mut high): (Option<i64>, Option<i64>) = (None, None);
        let mut named = Vec::new();
        for check in self.checks.iter().filter(|check| !check.contains("length(")) {
            let spaced = check.replace('(', " ").replace([')', ','], " ");
            let words: Vec<&str> = spaced.split_whitespace().collect();
            for (n, word) in words.iter().enumerate() {
                let number = word.split("::").next().and_then(|word| word.trim_matches('\'').parse::<f64>().ok());
                let Some(number) = number.map(|number| number as i64) else { continue };
                match n.checked_sub(1).and_then(|before| words.get(before)).copied().unwrap_or_default() {
                    "<>" | "!=" => {}
                    ">" => low = low.max(Some(number + 1)),
                    ">=" | "between" => low = low.max(Some(number)),
                    "<" => high = Some(high.map_or(number - 1, |high| high.min(number - 1))),
                    "<=" => high = Some(high.map_or(number, |high| high.min(number))),
                    "and" if words.get(n.wrapping_sub(3)).is_some_and(|word| *word == "between") => {
                        high = Some(high.map_or(number, |high| high.min(number)));
                    }
                    _ => named.push(number.to_string()),
                }
            }
        }
        match (low, high) {
            (Some(low), Some(high)) => Some(format!("({low} + g.i % {})", (high - low + 1).max(1))),
            (Some(low), None) => Some(format!("({low} + g.i)")),
            (None, Some(high)) => Some(format!("({high} - g.i % 100)")),
            (None, None) if !named.is_empty() && !unique => Some(one_of(&named)),
            (None, None) => None,
        }
    }
}

fn one_of(all: &[String]) -> String {
    format!("(array[{}])[1 + g.i % {}]", all.join(", "), all.len())
}

/// A value for each number: distinct if it must be, within what the checks name if they name something. A text that `becomes` of
/// another type is one of that type's.
pub(super) fn value(
    catalog: &Catalog,
    column: &Column,
    becomes: Option<&DataType>,
    candidates: &Candidates,
    unique: bool,
    required: bool,
) -> Option<String> {
    let is_text = |ty: &DataType| ty.dims == 0 && ty.schema.is_empty() && specc_facts::family(&ty.name) == Family::Text;
    let becomes = becomes.filter(|then| is_text(&column.ty) && then.dims == 0 && !is_text(then));
    let value = match becomes.and_then(|then| builtin(then, candidates, unique)) {
        Some(value) => cast(&format!("({value})::text"), &column.ty),
        None => plain(catalog, &column.ty, candidates, unique)?,
    };
    Some(if column.nullable && !required { format!("case when g.i % 5 > 0 then {value} end") } else { value })
}

fn plain(catalog: &Catalog, ty: &DataType, candidates: &Candidates, unique: bool) -> Option<String> {
    if ty.dims > 0 {
        let element = DataType { dims: 0, ..ty.clone() };
        return Some(match plain(catalog, &element, &Candidates::default(), unique) {
            Some(one) if unique || !candidates.checks.is_empty() => cast(&format!("array[{one}]"), ty),
            _ => cast("'{}'", ty),
        });
    }
    if !ty.schema.is_empty() {
        let find = |kind| catalog.find(IdRef::new(kind, &ty.schema, &ty.name)).and_then(|at| catalog.at(at));
        let object =
            [Kind::Enum, Kind::Domain, Kind::Composite].into_iter().find_map(find).map(|(_, entry)| &entry.object);
        return match object {
            Some(Object::Enum(o)) if !o.labels.is_empty() => {
                Some(cast(&one_of(&o.labels.iter().map(|label| literal(label)).collect::<Vec<_>>()), ty))
            }
            Some(Object::Domain(o)) => Some(cast(&plain(catalog, &o.base, candidates, unique)?, ty)),
            Some(Object::Composite(o)) => {
                let field = |ty| plain(catalog, ty, &Candidates::default(), unique).unwrap_or_else(|| "null".into());
                let fields: Vec<String> = o.fields.iter().map(|(_, ty, _)| field(ty)).collect();
                Some(cast(&format!("row({})", fields.join(", ")), ty))
            }
            // An extension's.
            _ => written(ty, candidates, unique),
        };
    }
    written(ty, candidates, unique)
}

/// A value of a type that is not the project's own.
fn written(ty: &DataType, candidates: &Candidates, unique: bool) -> Option<String> {
    let found = match specc_facts::family(&ty.name) {
        Family::Text => candidates.text(unique, ty.args.first().copied()),
        family if family.is_number() => candidates.number(unique),
        Family::Json if candidates.shape().is_some() => candidates.shape(),
        Family::Json if candidates.texts().iter().any(|text| text == "array") => Some("'[]'".into()),
        _ => None,
    };
    match found {
        Some(value) => Some(cast(&value, ty)),
        None => builtin(ty, candidates, unique),
    }
}

fn cast(value: &str, ty: &DataType) -> String {
    let mut out = format!("({value})::");
    push_type(&mut out, ty);
    out
}

fn builtin(ty: &DataType, candidates: &Candidates, unique: bool) -> Option<String> {
    let size = ty.args.first().copied();
    let name = ty.name.as_str();
    let value = match specc_facts::family(name) {
        Family::Integer if name == "smallint" => "g.i % 32000".to_owned(),
        Family::Integer | Family::Oid => format!("g.i + {}", candidates.place),
        Family::Float | Family::Money => "g.i".to_owned(),
        Family::Decimal => match (size, ty.args.get(1)) {
            (Some(precision), scale) => {
                let digits = (precision - scale.copied().unwrap_or(0)).clamp(0, 9) as u32;
                format!("g.i % {}", 10_i64.pow(digits))
            }
            _ => "g.i".to_owned(),
        },
        Family::Text => match size {
            Some(size) if size < 12 => format!("left(to_hex(g.i), {size})"),
            _ => "'text-' || g.i".to_owned(),
        },
        Family::Uuid => "md5(g.i::text)".to_owned(),
        Family::Boolean if unique => "g.i = 1".to_owned(),
        Family::Boolean => "g.i % 2 = 0".to_owned(),
        Family::Moment if name == "date" => format!("date '2026-01-01' + g.i::int + {}", candidates.place),
        Family::Moment => {
            format!("timestamptz '2026-01-01 00:00+00' + g.i * interval '1 hour' + {} * interval '1 minute'", candidates.place)
        }
        Family::Time => "time '00:00' + (g.i % 86400) * interval '1 second'".to_owned(),
        Family::Interval => "g.i * interval '1 minute'".to_owned(),
        Family::Json => "'{}'".to_owned(),
        Family::Bytes => "decode(md5(g.i::text), 'hex')".to_owned(),
        Family::Network => "'10.0.0.0'::inet + g.i".to_owned(),
        Family::Search => "''".to_owned(),
        Family::Multirange => "'{}'".to_owned(),
        _ => match name {
            "macaddr" => "'08:00:2b:01:02:03'".to_owned(),
            "ltree" | "hstore" => "''".to_owned(),
            "xml" => "'<a/>'".to_owned(),
            "point" => "'(0,0)'".to_owned(),
            "box" | "lseg" | "path" => "'((0,0),(1,1))'".to_owned(),
            "polygon" => "'((0,0),(1,1),(1,0))'".to_owned(),
            "circle" => "'<(0,0),1>'".to_owned(),
            "line" => "'{1,1,1}'".to_owned(),
            "bit" => return Some(format!("repeat('0', {0})::bit({0})", size.unwrap_or(1))),
            "varbit" => "'0'".to_owned(),
            "vector" => format!("array_fill(0.5, array[{}])", size.unwrap_or(3)),
            "int4range" => "int4range(g.i::int, g.i::int + 1)".to_owned(),
            "int8range" => "int8range(g.i, g.i::bigint + 1)".to_owned(),
            "numrange" => "numrange(g.i, g.i + 1)".to_owned(),
            "daterange" => "daterange(date '2026-01-01' + g.i::int, date '2026-01-02' + g.i::int)".to_owned(),
            "tsrange" => "tsrange(timestamp '2026-01-01' + g.i * interval '1 hour', timestamp '2026-01-01' + (g.i + 1) * interval '1 hour')".to_owned(),
            "tstzrange" => "tstzrange(timestamptz '2026-01-01 00:00+00' + g.i * interval '1 hour', timestamptz '2026-01-01 00:00+00' + (g.i + 1) * interval '1 hour')".to_owned(),
            _ => return None,
        },
    };
    Some(cast(&value, ty))
}
