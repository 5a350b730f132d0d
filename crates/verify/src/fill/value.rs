//! Values of a type, as SQL over the row's number, for which `#` stands.

use specc_catalog::{Catalog, Column, DataType, IdRef, Kind, Object};
use specc_diff::mentions;
use specc_sql::push_type;
use specc_sql::quote::literal;

/// What the checks on a column name: likely what they allow.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    texts: Vec<String>,
    numbers: Vec<String>,
}

impl Candidates {
    /// Those of a column.
    pub fn of(catalog: &Catalog, column: &Column, checks: &[&str]) -> Self {
        let mut found = Self::default();
        checks.iter().filter(|check| mentions(check, &column.name)).for_each(|check| found.read(check));
        found.of_domain(catalog, &column.ty);
        found
    }

    fn of_domain(&mut self, catalog: &Catalog, ty: &DataType) {
        let place = catalog.find(IdRef::new(Kind::Domain, &ty.schema, &ty.name));
        if let Some(Object::Domain(domain)) = place.and_then(|at| catalog.at(at)).map(|(_, entry)| &entry.object) {
            domain.checks.iter().for_each(|(_, check)| self.read(&check.text));
            self.of_domain(catalog, &domain.base);
        }
    }

    /// Takes the constants out of a condition.
    fn read(&mut self, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find(|c: char| c == '\'' || c.is_ascii_alphanumeric() || c == '_') {
            rest = &rest[at..];
            if let Some(inside) = rest.strip_prefix('\'') {
                let end = inside.find('\'').unwrap_or(inside.len());
                // A pattern is no value.
                if !inside[..end].contains(['%', '^', '$', '[', '\\']) {
                    self.texts.push(inside[..end].to_owned());
                }
                rest = inside.get(end + 1..).unwrap_or_default();
            } else {
                let end =
                    rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).unwrap_or(rest.len());
                if rest[..end].parse::<f64>().is_ok() {
                    self.numbers.push(rest[..end].to_owned());
                }
                rest = &rest[end..];
            }
        }
    }
}

/// A value for each number: distinct if it must be, within what the checks name if they name something.
pub(super) fn value(catalog: &Catalog, column: &Column, candidates: &Candidates, unique: bool) -> Option<String> {
    let value = plain(catalog, &column.ty, candidates, unique)?;
    Some(if column.nullable && !unique { format!("case when # % 5 > 0 then {value} end") } else { value })
}

fn plain(catalog: &Catalog, ty: &DataType, candidates: &Candidates, unique: bool) -> Option<String> {
    if ty.dims > 0 {
        let element = DataType { dims: 0, ..ty.clone() };
        return Some(match plain(catalog, &element, candidates, unique) {
            Some(one) if unique => cast(&format!("array[{one}]"), ty),
            _ => cast("'{}'", ty),
        });
    }
    let one_of = |all: &[String]| {
        let list: Vec<String> = all.iter().map(|text| literal(text)).collect();
        format!("(array[{}])[1 + # % {}]", list.join(", "), list.len())
    };
    if !ty.schema.is_empty() {
        let find = |kind| catalog.find(IdRef::new(kind, &ty.schema, &ty.name)).and_then(|at| catalog.at(at));
        let object =
            [Kind::Enum, Kind::Domain, Kind::Composite].into_iter().find_map(find).map(|(_, entry)| &entry.object);
        return match object {
            Some(Object::Enum(o)) if !o.labels.is_empty() => {
                let labels: Vec<String> = o.labels.iter().map(ToString::to_string).collect();
                Some(cast(&one_of(&labels), ty))
            }
            Some(Object::Domain(o)) => Some(cast(&plain(catalog, &o.base, candidates, unique)?, ty)),
            Some(Object::Composite(o)) => {
                let fields: Vec<String> = o
                    .fields
                    .iter()
                    .map(|(_, ty, _)| {
                        plain(catalog, ty, &Candidates::default(), unique).unwrap_or_else(|| "null".into())
                    })
                    .collect();
                Some(cast(&format!("row({})", fields.join(", ")), ty))
            }
            _ => builtin(ty, unique),
        };
    }
    let is_text = matches!(ty.name.as_str(), "text" | "varchar" | "char" | "citext" | "name");
    if is_text && !unique && !candidates.texts.is_empty() {
        return Some(cast(&one_of(&candidates.texts), ty));
    }
    let is_number = matches!(ty.name.as_str(), "smallint" | "int" | "bigint" | "numeric" | "real" | "double precision");
    if is_number && !unique && !candidates.numbers.is_empty() {
        // On either side of what the checks name, whichever they mean.
        let all: Vec<String> =
            candidates.numbers.iter().flat_map(|n| [n.clone(), format!("{n} + 1"), format!("{n} - 1")]).collect();
        return Some(cast(&format!("(array[{}])[1 + # % {}]", all.join(", "), all.len()), ty));
    }
    builtin(ty, unique)
}

fn cast(value: &str, ty: &DataType) -> String {
    let mut out = format!("({value})::");
    push_type(&mut out, ty);
    out
}

fn builtin(ty: &DataType, unique: bool) -> Option<String> {
    let size = ty.args.first().copied();
    let value = match ty.name.as_str() {
        "smallint" => "# % 32000".to_owned(),
        "int" | "integer" | "bigint" | "oid" | "real" | "double precision" | "money" => "#".to_owned(),
        "numeric" => match (size, ty.args.get(1)) {
            (Some(precision), scale) => {
                let digits = (precision - scale.copied().unwrap_or(0)).clamp(0, 9) as u32;
                format!("# % {}", 10_i64.pow(digits))
            }
            _ => "#".to_owned(),
        },
        "text" | "varchar" | "char" | "bpchar" | "citext" | "name" => match size {
            Some(size) if size < 12 => format!("left(to_hex(#), {size})"),
            _ => "'text ' || #".to_owned(),
        },
        "uuid" => "md5(#::text)".to_owned(),
        "boolean" if unique => "# = 1".to_owned(),
        "boolean" => "# % 2 = 0".to_owned(),
        "date" => "date '2026-01-01' + #::int".to_owned(),
        "timestamp" | "timestamptz" => "timestamptz '2026-01-01 00:00+00' + # * interval '1 hour'".to_owned(),
        "time" | "timetz" => "time '00:00' + (# % 86400) * interval '1 second'".to_owned(),
        "interval" => "# * interval '1 minute'".to_owned(),
        "json" | "jsonb" => "'{}'".to_owned(),
        "bytea" => "decode(md5(#::text), 'hex')".to_owned(),
        "inet" | "cidr" => "'10.0.0.0'::inet + #".to_owned(),
        "macaddr" => "'08:00:2b:01:02:03'".to_owned(),
        "tsvector" | "tsquery" | "ltree" | "hstore" => "''".to_owned(),
        "xml" => "'<a/>'".to_owned(),
        "point" => "'(0,0)'".to_owned(),
        "box" | "lseg" | "path" => "'((0,0),(1,1))'".to_owned(),
        "polygon" => "'((0,0),(1,1),(1,0))'".to_owned(),
        "circle" => "'<(0,0),1>'".to_owned(),
        "line" => "'{1,1,1}'".to_owned(),
        "bit" => return Some(format!("repeat('0', {0})::bit({0})", size.unwrap_or(1))),
        "varbit" => "'0'".to_owned(),
        "vector" => format!("array_fill(0.5, array[{}])", size.unwrap_or(3)),
        "int4range" => "int4range(#::int, #::int + 1)".to_owned(),
        "int8range" => "int8range(#, #::bigint + 1)".to_owned(),
        "numrange" => "numrange(#, # + 1)".to_owned(),
        "daterange" => "daterange(date '2026-01-01' + #::int, date '2026-01-02' + #::int)".to_owned(),
        "tsrange" => "tsrange(timestamp '2026-01-01' + # * interval '1 hour', timestamp '2026-01-01' + (# + 1) * interval '1 hour')".to_owned(),
        "tstzrange" => "tstzrange(timestamptz '2026-01-01 00:00+00' + # * interval '1 hour', timestamptz '2026-01-01 00:00+00' + (# + 1) * interval '1 hour')".to_owned(),
        name if name.ends_with("multirange") => "'{}'".to_owned(),
        _ => return None,
    };
    Some(cast(&value, ty))
}
