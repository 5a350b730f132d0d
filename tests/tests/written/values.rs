//! Values in JSON for a column: those that JSON and Postgres do not see alike, those near to what its checks say, and others.

use crate::written::traps::{ANY, BYTES, CLOCKS, DATES, HOSTS, INTERVALS, JSONS, NUMBERS, TEXTS, UUIDS, ZONES};
use serde_json::{Value, json};
use specc_catalog::{Catalog, Column, DataType, IdRef, Kind, Object, Table};

/// Refused though Postgres takes it, and nobody said why it may be.
pub const UNKNOWN: &str = "no reason is known";

/// What values are made of.
#[derive(Clone, Debug)]
enum Sort {
    Text,
    Number,
    Big,
    Boolean,
    Moment,
    Time,
    Interval,
    Uuid,
    Bytes,
    Inet,
    Json,
    Enum(Vec<String>),
    List(Box<Sort>),
    Object(Vec<(String, Sort)>),
    Other,
}

/// The values of a column.
#[derive(Clone, Debug)]
pub struct Values {
    sort: Sort,
    /// Texts and numbers that its checks name.
    named: Vec<String>,
}

/// Numbers that are the same from run to run.
struct Random(u64);

impl Random {
    /// A number below `most`.
    fn to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 16) % most
    }

    fn pick(&mut self, list: &[&str]) -> String {
        list[self.to(list.len() as u64) as usize].to_owned()
    }
}

impl Sort {
    fn of(catalog: &Catalog, ty: &DataType) -> Sort {
        if ty.dims > 0 {
            return Sort::List(Box::new(Sort::of(catalog, &DataType { dims: 0, ..ty.clone() })));
        }
        let find = |kind| catalog.find(IdRef::new(kind, &ty.schema, &ty.name)).and_then(|at| catalog.at(at));
        if !ty.schema.is_empty() {
            return match [Kind::Domain, Kind::Enum, Kind::Composite]
                .into_iter()
                .find_map(find)
                .map(|(_, entry)| &entry.object)
            {
                Some(Object::Domain(domain)) => Sort::of(catalog, &domain.base),
                Some(Object::Enum(found)) => Sort::Enum(found.labels.iter().map(ToString::to_string).collect()),
                Some(Object::Composite(found)) => Sort::Object(
                    found.fields.iter().map(|(name, ty, _)| (name.to_string(), Sort::of(catalog, ty))).collect(),
                ),
                _ => Sort::Other,
            };
        }
        match ty.name.as_str() {
            "bigint" => Sort::Big,
            "smallint" | "int" | "numeric" | "real" | "double precision" => Sort::Number,
            "boolean" => Sort::Boolean,
            "date" | "timestamp" | "timestamptz" => Sort::Moment,
            "time" => Sort::Time,
            "interval" => Sort::Interval,
            "uuid" => Sort::Uuid,
            "bytea" => Sort::Bytes,
            "inet" => Sort::Inet,
            "json" | "jsonb" => Sort::Json,
            "text" | "varchar" | "char" | "bpchar" | "name" | "citext" => Sort::Text,
            _ => Sort::Other,
        }
    }

    /// Those that every column of the sort is tried with.
    fn traps(&self) -> Vec<String> {
        let quoted = |list: &[&str]| list.iter().map(|text| json!(text).to_string()).collect::<Vec<_>>();
        match self {
            Sort::Text => TEXTS.iter().map(|text| (*text).to_owned()).collect(),
            Sort::Number | Sort::Big => NUMBERS.iter().map(|text| (*text).to_owned()).collect(),
            Sort::Moment => {
                let mut all = quoted(DATES);
                all.extend(CLOCKS.iter().flat_map(|clock| {
                    ["T", " "].map(|between| json!(format!("2024-01-01{between}{clock}")).to_string())
                }));
                all.extend(ZONES.iter().map(|zone| json!(format!("2024-01-01T00:00:00{zone}")).to_string()));
                for edge in ["294276-12-31T23:59:59.999999", "4714-11-24T00:00:00", "0044-03-15T00:00:00"] {
                    all.extend(
                        ["", "+00:00", "+01:00", "-01:00"]
                            .iter()
                            .flat_map(|zone| ["", " BC"].map(|era| json!(format!("{edge}{zone}{era}")).to_string())),
                    );
                }
                all
            }
            Sort::Time => quoted(CLOCKS),
            Sort::Interval => quoted(INTERVALS),
            Sort::Uuid => quoted(UUIDS),
            Sort::Bytes => quoted(BYTES),
            Sort::Inet => quoted(HOSTS),
            Sort::Json => JSONS.iter().map(|text| (*text).to_owned()).collect(),
            Sort::Enum(labels) => labels.iter().map(|label| json!(label).to_string()).collect(),
            _ => Vec::new(),
        }
    }

    /// One of many, as JSON.
    fn any(&self, random: &mut Random, named: &[String]) -> String {
        match self {
            Sort::Boolean => random.pick(&["true", "false"]),
            Sort::Number | Sort::Big => match random.to(4) {
                0 if !named.is_empty() => {
                    let near = &named[random.to(named.len() as u64) as usize];
                    let shift = [0.0, 1.0, -1.0, 0.001, -0.001, 0.00049][random.to(6) as usize];
                    near.parse::<f64>().map_or_else(|_| "7".to_owned(), |near| (near + shift).to_string())
                }
                1 => (random.to(2000) as i64 - 1000).to_string(),
                2 => ((random.to(2_000_000) as f64 - 1e6) / 10f64.powi(random.to(8) as i32)).to_string(),
                _ => (random.to(1 << 40) as i64 >> random.to(40)).to_string(),
            },
            Sort::Moment => {
                let year = [random.to(3000), random.to(10000), 2024][random.to(3) as usize];
                let date =
                    format!("{year:04}-{:02}-{:02}", random.to(12) + u64::from(random.to(9) > 0), random.to(31) + 1);
                let clock = format!("{:02}:{:02}:{:02}", random.to(25), random.to(60), random.to(60));
                let part = ["".to_owned(), format!(".{}", random.to(10_000_000))][random.to(2) as usize].clone();
                let zone =
                    format!("{}{:02}:{:02}", if random.to(2) == 0 { '+' } else { '-' }, random.to(17), random.to(60));
                json!(match random.to(4) {
                    0 => date,
                    1 => format!("{date}T{clock}{part}{zone}"),
                    2 => format!("{date} {clock}{zone}"),
                    _ => format!("{date}T{clock}{part}Z"),
                })
                .to_string()
            }
            Sort::Time => json!(format!(
                "{:02}:{:02}:{:02}.{}",
                random.to(25),
                random.to(60),
                random.to(61),
                random.to(10_000_000)
            ))
            .to_string(),
            Sort::Interval => json!(format!(
                "{} years {} mons {} days {:02}:{:02}:{:02}",
                random.to(99),
                random.to(12),
                random.to(40),
                random.to(30),
                random.to(60),
                random.to(60)
            ))
            .to_string(),
            Sort::Uuid => {
                let hex: String =
                    (0..32).map(|_| char::from(b"0123456789abcdefABCDEF"[random.to(22) as usize])).collect();
                json!(format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]))
                    .to_string()
            }
            Sort::Bytes => {
                let hex: String =
                    (0..random.to(9)).map(|_| char::from(b"0123456789abcdef"[random.to(16) as usize])).collect();
                json!(format!("\\x{hex}")).to_string()
            }
            Sort::Inet => json!(format!("{}.{}.{}.{}", random.to(260), random.to(256), random.to(256), random.to(256)))
                .to_string(),
            Sort::Json => match random.to(6) {
                0 => format!("[{}]", Sort::Json.any(random, named)),
                1 => format!("{{\"k\":{}}}", Sort::Json.any(random, named)),
                2 => format!("[{},{}]", Sort::Json.any(random, named), Sort::Text.any(random, named)),
                3 => Sort::Number.any(random, named),
                _ => random.pick(JSONS),
            },
            Sort::Enum(labels) => {
                let label = &labels[random.to(labels.len() as u64) as usize];
                json!(if random.to(8) == 0 { format!("{label} ") } else { label.clone() }).to_string()
            }
            Sort::List(inner) => {
                let items = |random: &mut Random, count: u64| {
                    let traps = inner.traps();
                    let one = |random: &mut Random| match random.to(5) {
                        0 if !traps.is_empty() => traps[random.to(traps.len() as u64) as usize].clone(),
                        1 => "null".to_owned(),
                        _ => inner.any(random, named),
                    };
                    (0..count).map(|_| one(random)).collect::<Vec<_>>().join(",")
                };
                match random.to(5) {
                    0 => {
                        let count = random.to(3);
                        format!("[[{}],[{}]]", items(random, count), items(random, count))
                    }
                    1 => {
                        let (a, b) = (random.to(3), random.to(3));
                        format!("[[{}],[{}]]", items(random, a), items(random, b))
                    }
                    2 => format!("[[[[[[{}]]]]]]", items(random, 1)),
                    3 if random.to(4) == 0 => format!("[[[[[[[{}]]]]]]]", items(random, 1)),
                    _ => {
                        let count = random.to(7);
                        format!("[{}]", items(random, count))
                    }
                }
            }
            Sort::Object(fields) => {
                let field = |(name, sort): &(String, Sort)| {
                    let traps = sort.traps();
                    let value = match random.to(3) {
                        0 if !traps.is_empty() => traps[random.to(traps.len() as u64) as usize].clone(),
                        1 => "null".to_owned(),
                        _ => sort.any(random, named),
                    };
                    format!("{}:{value}", json!(name))
                };
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(","))
            }
            Sort::Text | Sort::Other => {
                let letters: Vec<char> = "aabcxyz01-_/.:@ éA%kK".chars().collect();
                let mut text: String =
                    (0..random.to(9)).map(|_| letters[random.to(letters.len() as u64) as usize]).collect();
                if !named.is_empty() && random.to(3) == 0 {
                    let near = &named[random.to(named.len() as u64) as usize];
                    text = match random.to(5) {
                        0 => near.to_uppercase(),
                        1 => format!("{near} "),
                        2 => near.chars().rev().collect(),
                        3 => format!("{near}{text}"),
                        _ => near.clone(),
                    };
                }
                json!(text).to_string()
            }
        }
    }

    /// Whether TypeScript's type of the column takes it.
    fn is_kind_of(&self, value: &Value) -> bool {
        match self {
            _ if value.is_null() => true,
            Sort::Number | Sort::Big => value.is_number(),
            Sort::Boolean => value.is_boolean(),
            Sort::Json => true,
            Sort::List(inner) => value.as_array().is_some_and(|list| {
                list.iter().all(|item| inner.is_kind_of(item) || item.is_array() && self.is_kind_of(item))
            }),
            Sort::Object(fields) => value.as_object().is_some_and(|object| {
                fields.iter().all(|(name, sort)| object.get(name).is_some_and(|value| sort.is_kind_of(value)))
            }),
            Sort::Other => false,
            _ => value.is_string(),
        }
    }

    fn why_refused(&self, value: &Value) -> &'static str {
        match self {
            Sort::Big if value.as_f64().is_some_and(|number| number.abs() > 9_007_199_254_740_991.0) => {
                "a whole number beyond 2^53, whose last digits JavaScript loses"
            }
            Sort::Moment | Sort::Time => "a moment that is not written in ISO 8601",
            Sort::Interval => "an interval that is not written as Postgres writes it",
            Sort::Inet => "an address in a short form",
            Sort::List(inner) => {
                let list = value.as_array().map(Vec::as_slice).unwrap_or_default();
                let why = |item: &Value| if item.is_array() { self.why_refused(item) } else { inner.why_refused(item) };
                list.iter().map(why).find(|why| *why != UNKNOWN).unwrap_or(UNKNOWN)
            }
            _ => UNKNOWN,
        }
    }
}

impl Values {
    /// For a column of a table.
    pub fn of(catalog: &Catalog, table: &Table, column: &Column) -> Values {
        let mut named = Vec::new();
        for (_, entry) in catalog.iter() {
            match &entry.object {
                Object::Constraint(found) if found.table == table.table => {
                    if let specc_catalog::Rule::Check { expr, .. } = &found.rule {
                        named_in(&expr.text, &mut named);
                    }
                }
                _ => {}
            }
        }
        Values { sort: Sort::of(catalog, &column.ty), named }
    }

    /// So many of them.
    pub fn list(&self, count: usize) -> Vec<String> {
        let mut random = Random(7 + count as u64);
        let mut all = self.sort.traps();
        all.extend(ANY.iter().map(|text| (*text).to_owned()));
        while all.len() < count {
            all.push(self.sort.any(&mut random, &self.named));
        }
        all
    }

    /// Whether TypeScript's type of the column takes it.
    pub fn is_of_kind(&self, text: &str) -> bool {
        serde_json::from_str(text).is_ok_and(|value: Value| self.sort.is_kind_of(&value))
    }

    /// Why a value may be refused that Postgres takes.
    pub fn why_refused(&self, text: &str) -> &'static str {
        serde_json::from_str(text).map_or(UNKNOWN, |value: Value| self.sort.why_refused(&value))
    }
}

/// The texts and numbers of a check.
fn named_in(check: &str, out: &mut Vec<String>) {
    out.extend(check.split('\'').skip(1).step_by(2).map(ToOwned::to_owned));
    let words = check.split(|c: char| !c.is_ascii_digit() && c != '.');
    out.extend(words.filter(|word| word.parse::<f64>().is_ok()).map(ToOwned::to_owned));
}
